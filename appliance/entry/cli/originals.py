"""``appliance documents original``: the file as it was uploaded."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import documents, output, tagging
from appliance.entry.cli.exporting import fetch
from appliance.entry.cli.output import Json
from appliance.kit.errors import BadRequest, Conflict, NotFound
from appliance.kit.filenames import saved

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

DOCUMENTS = tagging.DOCUMENTS
"""The verbs of documents, that of this module among them."""
STANDARD_OUTPUT = "-"


class FileThere(Conflict):
    """There is a file of this name already."""

    code = "file_there"
    advice = "Name another with --output; one that is named so is replaced."


class OneOutput(BadRequest):
    """The file itself is written to standard output, so the JSON document cannot be."""

    code = "one_output"
    advice = "Leave out --json, or name a file."


@documents.app.command("original")
def original(
    document: documents.Named,
    to: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it to this file; '-': to standard output."),
    ] = None,
    revision: Annotated[
        int | None, typer.Option(min=1, help="Of this revision, as 'documents revisions' counts; default: the served.")
    ] = None,
    collection: documents.In = None,
    as_json: Json = False,
) -> None:
    """Fetch the file that was uploaded; without --output into this directory, by its name."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    if to == STANDARD_OUTPUT and as_json:
        raise OneOutput
    with connect() as api:
        found = documents.one(api, document, collection)
        about = found if revision is None else _revision(api, found, revision)
        path = f"/api/v1/documents/{found['id']}/original" + ("" if revision is None else f"?revision={revision}")
        if to == STANDARD_OUTPUT:
            with TemporaryDirectory() as scratch:
                part = Path(scratch) / "original"
                fetch(api, path, part, about["sha256"])
                with part.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
            return
        place = Path(saved(found["name"], found["id"])) if to is None else Path(to)
        if to is None and place.exists():
            raise FileThere.about(place)
        part = place.with_name(f".{place.name}.part")
        fetch(api, path, part, about["sha256"])
        part.replace(place)
    told = {name: about[name] for name in ("sha256", "bytes", "media_type")}
    if as_json:
        output.document({"document": found["id"], "file": str(place), **told})
    else:
        output.say(f"Wrote {place}: {output.size(about['bytes'])}.")


def _revision(api: "Api", document: dict[str, Any], number: int) -> dict[str, Any]:
    for one in api.get(f"/api/v1/documents/{document['id']}/revisions")["items"]:
        if one["number"] == number:
            found: dict[str, Any] = one
            return found
    raise NotFound(f"'{document['name']}' has no revision {number}.")
