"""``appliance documents tag|tags``: words on documents, by which a search is narrowed."""

from typing import Annotated

import typer

from appliance.entry.cli import documents, output
from appliance.entry.cli.life import COLLECTIONS, DOCUMENTS
from appliance.entry.cli.output import Json

COLUMNS: list[output.Column] = [("tag", lambda item: item["tag"]), ("documents", lambda item: item["documents"])]

__all__ = ["COLLECTIONS", "DOCUMENTS"]


@documents.app.command("tag")
def tag(
    document: documents.Named,
    add: Annotated[list[str] | None, typer.Option("--add", "-a", help="A tag to put on; may be repeated.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", "-r", help="A tag to take off; the same.")] = None,
    collection: documents.In = None,
    as_json: Json = False,
) -> None:
    """Put tags on a document or take them off; searches with --tag know of it at once."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = documents.one(api, document, collection)
        gone = {name.lower() for name in remove or ()}
        tags = [name for name in (*found["tags"], *(add or ())) if name not in gone]
        now = api.send("PUT", f"/api/v1/documents/{found['id']}/tags", json={"tags": tags})
    if as_json:
        output.document(now)
    else:
        output.say(f"'{now['name']}' has {', '.join(now['tags']) or 'no tag'}.")


@documents.app.command("tags")
def tags(as_json: Json = False) -> None:
    """List every tag with the number of documents that have it."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.get("/api/v1/tags")["items"]
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "No document has a tag.")
