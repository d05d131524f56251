"""``appliance models``: which weights are here."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import entries, output
from appliance.entry.cli.output import Json
from appliance.kit.errors import NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

SHORTEST = 12
"""Digits of a digest that name a version."""

app = typer.Typer(help="Model versions: list, pull, verify.", no_args_is_help=True)
app.add_typer(entries.app, name="entries")

COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("kind", lambda item: item["kind"]),
    ("state", lambda item: item["state"]),
    ("size", lambda item: output.size(item.get("bytes"))),
    ("languages", lambda item: item.get("languages")),
    ("licence", lambda item: item.get("licence")),
    ("digest", lambda item: str(item.get("digest"))[:12]),
    ("reason", lambda item: item.get("reason")),
]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the model versions of this appliance."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all("/api/v1/models")
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "There is no model yet. 'appliance models pull NAME' fetches one.")


@app.command("pull")
def pull(name: Annotated[str, typer.Argument(help="Its name in the catalogue.")], as_json: Json = False) -> None:
    """Fetch a model, check every byte, and register it. What is there already is only checked."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api, output.console(stderr=True).status(f"Pulling {name} …"):
        item = api.post("/api/v1/models/pull", {"name": name}, patient=True)
    _shown([item], as_json=as_json)


@app.command("verify")
def verify(
    model: Annotated[str | None, typer.Argument(help="Its name or id; all of them when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Read every byte of a model again; the exit code is 1 when any differs from its manifest."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api, output.console(stderr=True).status("Reading every byte …"):
        wanted = [item for item in api.all("/api/v1/models") if model in (None, item["name"], item["id"])]
        if not wanted:
            raise NotFound(f"There is no model '{model}'.")
        items = [api.post(f"/api/v1/models/{item['id']}/verify", patient=True) for item in wanted]
    _shown(items, as_json=as_json)


def _shown(items: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "There is none.")
    if any(item["state"] != "verified" for item in items):
        raise typer.Exit(1)


def version(api: "Api", wanted: str) -> dict[str, Any]:
    """The newest model version of this name, or the one of this id or digest. Raises :class:`NotFound`."""
    found = [
        item
        for item in api.all("/api/v1/models")
        if wanted in (item["id"], item["name"]) or (len(wanted) >= SHORTEST and item["digest"].startswith(wanted))
    ]
    if not found:
        raise NotFound(f"There is no model '{wanted}'.")
    return dict(found[-1])
