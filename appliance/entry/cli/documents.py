"""``appliance documents``: what was taken in, in which state, and how to be rid of it."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from appliance.entry.cli import output, wording
from appliance.entry.cli.output import Json
from appliance.kit.errors import Conflict, NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="Documents: list, show, delete (forget), retry.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(metavar="DOCUMENT", help="The document's id or name.")]
In = Annotated[str | None, typer.Option("--collection", "-c", help="Only in this collection.")]
FIELDS = ("id", "name", "collection_id", "state", "reason", "reason_code", "media_type", "size", "pages", "chunks")
MORE = ("recognised_lines", "doubtful_lines", "language", "tags", "revision_id", "created_at", "updated_at")


class Ambiguous(Conflict):
    """Several documents have this name."""

    code = "ambiguous"
    advice = "Give its id, or its collection with --collection."


@app.command("list")
def list_documents(
    collection: In = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, say 'failed' or 'ready'.")] = None,
    as_json: Json = False,
) -> None:
    """List documents, with the reason of those that failed."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = _items(api, collection, state=state)
    if as_json:
        output.document({"items": items})
        return
    columns: list[output.Column] = [
        ("name", lambda item: item["name"]),
        ("state", lambda item: item["state"]),
        ("size", lambda item: output.size(item.get("bytes"))),
        ("pages", lambda item: item.get("pages")),
        ("chunks", lambda item: item.get("chunks")),
        ("language", lambda item: item.get("language")),
        ("id", lambda item: item["id"]),
        ("reason", lambda item: item.get("reason")),
    ]
    output.table(columns, items, "There are no such documents.")


@app.command("show")
def show(
    document: Named,
    collection: In = None,
    text: Annotated[bool, typer.Option("--text", help="Print the text that citations refer to.")] = False,
    doubtful: Annotated[
        bool, typer.Option("--doubtful", help="Print the lines that were read from pictures with little confidence.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show one document."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = one(api, document, collection)
        if text or doubtful:
            found = {**found, **api.get(f"/api/v1/documents/{found['id']}/text")}
    if as_json:
        output.document(found)
    elif text:
        output.say(str(found["text"]))
    elif doubtful:
        output.say("\n".join(wording.doubtful(found)) or "No line was read with little confidence.")
    else:
        times = {name: output.moment(found.get(name)) for name in ("created_at", "updated_at")}
        output.fields({**found, **times, "size": output.size(found.get("bytes"))}, (*FIELDS, *MORE))


@app.command("delete")
def delete(document: Named, collection: In = None, as_json: Json = False) -> None:
    """Forget a document everywhere: its text, vectors, statistics, quotes and the file itself."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.jobs import ended

    output.wants_json(as_json)
    with connect() as api:
        found = one(api, document, collection)
        told = api.delete(f"/api/v1/documents/{found['id']}")
        if told.get("job"):
            ended(api, told["job"])
    if as_json:
        output.document({"deleted": found["id"], **told})
    else:
        output.say(f"'{found['name']}' is forgotten.")


@app.command("retry")
def retry(document: Named, collection: In = None, as_json: Json = False) -> None:
    """Try a failed document again, and wait for what comes of it."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.ingest import settle

    output.wants_json(as_json)
    with connect() as api:
        found = one(api, document, collection)
        api.post(f"/api/v1/documents/{found['id']}/retry")
        now = settle(api, found["id"])
    if as_json:
        output.document(now)
    else:
        output.say(f"'{now['name']}' is {now['state']}." + (f" {now['reason']}" if now.get("reason") else ""))
    if now["state"] != "ready":
        raise typer.Exit(1)


def about(document: str, collection: str | None, what: str, **query: object) -> Any:  # noqa: ANN401 - what the API tells
    """What the API tells of a document under ``what``."""
    from appliance.entry.cli.client import connect

    with connect() as api:
        return api.get(f"/api/v1/documents/{one(api, document, collection)['id']}/{what}", **query)


def one(api: "Api", document: str, collection: str | None) -> dict[str, Any]:
    """The document of this id or name. Raises :class:`NotFound`, :class:`Ambiguous`."""
    if _is_id(document):
        by_id: dict[str, Any] = api.get(f"/api/v1/documents/{document}")
        return by_id
    found = [item for item in _items(api, collection) if item["name"] == document]
    if not found:
        within = f" in '{collection}'" if collection else ""
        raise NotFound(f"There is no document '{document}'{within}.")
    if len(found) > 1:
        raise Ambiguous(f"{len(found)} documents are named '{document}'.", ids=[item["id"] for item in found])
    item: dict[str, Any] = found[0]
    return item


def _items(api: "Api", collection: str | None, **query: object) -> list[Any]:
    from appliance.entry.cli.collections import one as one_collection

    within = one_collection(api, collection)["id"] if collection else None
    return api.all("/api/v1/documents", collection=within, **query)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
