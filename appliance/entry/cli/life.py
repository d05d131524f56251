"""``appliance documents history|hold|release|holds`` and ``collections retry``: the life of documents."""

from typing import Annotated

import typer

from appliance.entry.cli import collections, documents, output
from appliance.entry.cli.output import Json
from appliance.entry.cli.sharing import COLLECTIONS, DOCUMENTS, any_document

HELD: list[output.Column] = [
    ("document", lambda item: item["document_id"]),
    ("since", lambda item: output.moment(item["held_at"])),
    ("reason", lambda item: item["reason"]),
    ("tenant", lambda item: item["tenant_id"]),
]
STAGES: list[output.Column] = [
    ("at", lambda item: output.moment(item["at"])),
    ("state", lambda item: item["state"]),
    ("reason", lambda item: item["reason"]),
]

__all__ = ["COLLECTIONS", "DOCUMENTS"]


@documents.app.command("history")
def history(document: documents.Named, collection: documents.In = None, as_json: Json = False) -> None:
    """Show the states that a document went through, with times and reasons."""
    output.wants_json(as_json)
    told = documents.about(document, collection, "history")
    if as_json:
        output.document(told)
    else:
        output.table(STAGES, told["items"], "Nothing is remembered of it.")


@collections.app.command("retry")
def retry(name: collections.Named, as_json: Json = False) -> None:
    """Read all documents of a collection again that failed."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        told = api.post(f"/api/v1/collections/{collections.one(api, name)['id']}/retry")
    if as_json:
        output.document(told)
    else:
        more = f" {told['left']} are left: run it again." if told["left"] else ""
        followed = f": appliance batches show {told['batch_id']}" if told["retried"] else ""
        output.say(f"{told['retried']} documents are read again{followed}.{more}")


@documents.app.command("hold")
def hold(
    document: documents.Named,
    reason: Annotated[str, typer.Option(help="Why it must not be forgotten.")],
    collection: documents.In = None,
    as_json: Json = False,
) -> None:
    """Keep a document from being forgotten (legal hold): alone, with its collection and with its tenant."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        key = any_document(api, document, collection)
        told = api.send("PUT", f"/api/v1/documents/{key}/hold", json={"reason": reason})
    if as_json:
        output.document(told)
    else:
        output.say(f"'{document}' is held since {output.moment(told['held_at'])}: {told['reason']}")


@documents.app.command("release")
def release(document: documents.Named, collection: documents.In = None, as_json: Json = False) -> None:
    """Release a document's legal hold."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        key = any_document(api, document, collection)
        api.delete(f"/api/v1/documents/{key}/hold")
    if as_json:
        output.document({"released": key})
    else:
        output.say(f"'{document}' is held no more.")


@documents.app.command("holds")
def holds(as_json: Json = False) -> None:
    """List legal holds: of your tenant; for an operator of all."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all("/api/v1/holds")
    if as_json:
        output.document({"items": items})
    else:
        output.table(HELD, items, "Nothing is held.")
