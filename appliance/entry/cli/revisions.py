"""``documents revisions | revision | diff | reread`` and ``collections reread | reading``: what was read, and again."""

from typing import Annotated, Any

import typer

from appliance.entry.cli import collections, documents, output
from appliance.entry.cli.life import COLLECTIONS, DOCUMENTS
from appliance.entry.cli.output import Json

__all__ = ["COLLECTIONS", "DOCUMENTS"]

Recognition = Annotated[
    str | None, typer.Option(help="Text in pictures: auto (pages without a text layer), always, never.")
]
Tokens = Annotated[int | None, typer.Option(help="Aimed size of a passage in the encoder's tokens, 32 to 400.")]
LISTED: list[output.Column] = [
    ("number", lambda item: item["number"]),
    ("served", lambda item: item["served"]),
    ("at", lambda item: output.moment(item["created_at"])),
    ("size", lambda item: output.size(item["bytes"])),
    ("pages", lambda item: item["pages"]),
    ("chunks", lambda item: item["chunks"]),
    ("reading", lambda item: item["reading"]),
    ("sha256", lambda item: item["sha256"][:12]),
]


@documents.app.command("revisions")
def revisions(document: documents.Named, collection: documents.In = None, as_json: Json = False) -> None:
    """List the revisions of a document, newest first."""
    output.wants_json(as_json)
    told = documents.about(document, collection, "revisions")
    if as_json:
        output.document(told)
    else:
        output.table(LISTED, told["items"], "It has none.")


@documents.app.command("revision")
def revision(
    document: documents.Named,
    number: Annotated[int, typer.Argument(min=1, help="Which, as 'documents revisions' counts.")],
    collection: documents.In = None,
    as_json: Json = False,
) -> None:
    """Print the normal text of one revision."""
    output.wants_json(as_json)
    told = documents.about(document, collection, "revision", number=number)
    if as_json:
        output.document(told)
    else:
        output.say(told["text"])


@documents.app.command("diff")
def diff(
    document: documents.Named,
    before: Annotated[int, typer.Argument(min=1, help="The older revision's number.")],
    after: Annotated[int, typer.Argument(min=1, help="The newer revision's number.")],
    collection: documents.In = None,
    as_json: Json = False,
) -> None:
    """Show what differs between the normal texts of two revisions, as a unified diff."""
    output.wants_json(as_json)
    told = documents.about(document, collection, "diff", before=before, after=after)
    if as_json:
        output.document(told)
        return
    for line in told["lines"]:
        output.say(line)
    if told["cut"]:
        output.say("There is more than is shown here.", stderr=True)


@documents.app.command("reread")
def reread_document(
    document: documents.Named,
    collection: documents.In = None,
    recognition: Recognition = None,
    chunk_tokens: Tokens = None,
    as_json: Json = False,
) -> None:
    """Read a document again: as its collection says, or with other settings. What is served stays meanwhile."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = documents.one(api, document, collection)
        body = {"reading": _reading(recognition, chunk_tokens)}
        told = api.post(f"/api/v1/documents/{found['id']}/reread", body)
    _told(told, as_json)


@collections.app.command("reread")
def reread_collection(
    name: collections.Named,
    recognition: Recognition = None,
    chunk_tokens: Tokens = None,
    media_type: Annotated[str | None, typer.Option(help="Only of one format, say 'application/pdf'.")] = None,
    as_json: Json = False,
) -> None:
    """Read all documents of a collection again, or those of one format. What is served stays meanwhile."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = collections.one(api, name)
        body = {"reading": _reading(recognition, chunk_tokens), "media_type": media_type}
        told = api.post(f"/api/v1/collections/{found['id']}/reread", body)
    _told(told, as_json)


@collections.app.command("reading")
def reading(
    name: collections.Named,
    recognition: Recognition = None,
    chunk_tokens: Tokens = None,
    usual: Annotated[bool, typer.Option("--usual", help="Back to the appliance's settings.")] = False,
    as_json: Json = False,
) -> None:
    """Show how files of a collection are read, or change it from now on ('reread' does so for what is there)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"/api/v1/collections/{collections.one(api, name)['id']}/reading"
        told = api.get(path)
        wanted = {} if usual else {**told, **(_reading(recognition, chunk_tokens) or {})}
        if usual or wanted != told:
            told = api.send("PUT", path, json=wanted)
    if as_json:
        output.document(told)
    else:
        output.say(
            f"recognition {told['recognition']}, passages of {told['chunk_tokens'] or 'the usual number of'} tokens"
        )


def _reading(recognition: str | None, chunk_tokens: int | None) -> dict[str, Any] | None:
    given = {"recognition": recognition, "chunk_tokens": chunk_tokens}
    return {name: value for name, value in given.items() if value is not None} or None


def _told(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document(told)
    else:
        many = f"{told['documents']} document{'' if told['documents'] == 1 else 's'}"
        output.say(f"{many} will be read again: appliance batches show {told['batch_id']} --watch")
