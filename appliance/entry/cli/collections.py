"""``appliance collections``: named sets of documents."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.kit.errors import Conflict, NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="Named sets of documents.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="The collection's name.")]


@app.command("list")
def list_collections(as_json: Json = False) -> None:
    """List the collections, with how many documents are in which state."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all("/api/v1/collections")
    if as_json:
        output.document({"items": items})
        return
    columns: list[output.Column] = [
        ("name", lambda item: item["name"]),
        ("documents", lambda item: {state: count for state, count in (item.get("documents") or {}).items() if count}),
        ("created", lambda item: output.moment(item.get("created_at"))),
        ("id", lambda item: item["id"]),
    ]
    output.table(columns, items, "There is no collection yet. 'appliance ingest PATH --collection NAME' makes one.")


@app.command("create")
def create(name: Named, as_json: Json = False) -> None:
    """Create a collection."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        made = api.post("/api/v1/collections", {"name": name})
    if as_json:
        output.document(made)
    else:
        output.say(f"Created '{made['name']}' ({made['id']}).")


@app.command("delete")
def delete(
    name: Named,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a collection and forget all its documents."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.jobs import ended

    output.wants_json(as_json)
    with connect() as api:
        found = one(api, name)
        if not yes:
            typer.confirm(f"Forget '{name}' and all its documents for good?", abort=True, err=True)
        told = api.delete(f"/api/v1/collections/{found['id']}")
        for job in [told["job"]] if told.get("job") else told.get("jobs", []):
            ended(api, job)
    if as_json:
        output.document({"deleted": found["id"], **told})
    else:
        output.say(f"'{name}' is forgotten.")


def one(api: "Api", name: str) -> dict[str, Any]:
    """The collection of this name or id. Raises :class:`NotFound` with the names that there are."""
    items = api.all("/api/v1/collections")
    for item in items:
        if name in (item["name"], item["id"]):
            found: dict[str, Any] = item
            return found
    names = ", ".join(f"'{item['name']}'" for item in items[:10]) or "none yet"
    raise NotFound(f"There is no collection '{name}'; there is: {names}.")


def ensure(api: "Api", name: str) -> dict[str, Any]:
    """The collection of this name, created when there is none."""
    from appliance.entry.cli.client import Refusal

    try:
        made: dict[str, Any] = api.post("/api/v1/collections", {"name": name})
    except Refusal as refusal:
        if refusal.document["status"] != Conflict.status:
            raise
        return one(api, name)
    return made
