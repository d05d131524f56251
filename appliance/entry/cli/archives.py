"""``appliance collections export|import``: a collection as one file."""

import json
import zipfile
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from appliance.entry.cli import collections, jobs, output, retention
from appliance.entry.cli.exporting import ArrivedDamaged
from appliance.entry.cli.output import Json
from appliance.kit.archives import MANIFEST

COLLECTIONS = retention.COLLECTIONS
"""The verbs of collections, those of this module among them."""
_SAID = {
    "missing": "Without an original in the archive, so left out",
    "unknown_groups": "Groups of its access lists that are not here, so left out of them",
    "glossary_differs": "Terms of its glossary that stand for something else here, or for nothing, and were left so",
    "unknown_users": "Logins of its access lists that are not here, so left out of them",
}


@collections.app.command("export")
def export(
    name: collections.Named,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Write the archive (zip) to this file.")],
    texts: Annotated[bool, typer.Option("--texts", help="With the normal texts too.")] = False,
    as_json: Json = False,
) -> None:
    """Export a collection that you may read all of: originals, names, tags, how they are read, who may read them."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = collections.one(api, name)
        part = to.with_name(f".{to.name}.part")
        try:
            told = "?texts=true" if texts else ""
            digest = api.download(f"/api/v1/collections/{quote(found['id'])}/archive{told}", part)
            with zipfile.ZipFile(part) as archive:
                manifest = json.loads(archive.read(MANIFEST))
            part.replace(to)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ArrivedDamaged from error
        finally:
            part.unlink(missing_ok=True)
    size = to.stat().st_size
    done = {"file": str(to), "sha256": digest, "bytes": size, "documents": manifest["documents"]}
    if as_json:
        output.document({"collection": found["id"], **done})
    else:
        output.say(f"Wrote {to}: {output.size(size)}, {manifest['documents']} documents.")


@collections.app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An archive that export wrote.")],
    name: Annotated[str | None, typer.Option("--as", help="The new collection's name; default: its own.")] = None,
    as_json: Json = False,
) -> None:
    """Import a collection from an archive, as a new one; its documents are read again."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        asked = api.form("/api/v1/collection-imports", {"name": name} if name else {}, {"file": file})
        done = jobs.ended(api, asked["job"])["result"]
    if as_json:
        output.document({**asked, **done})
        return
    output.say(f"Took in {done['documents']} documents as '{done['name']}'.")
    if done["access"] == "importer":
        output.say("You alone may read it: appliance collections share")
    if done["retention"] == "left out":
        output.say("Its rule of retention was left out: its day is over, or you may make none.")
    for what in ("missing", "glossary_differs", "unknown_groups", "unknown_users"):
        if done[what]:
            output.say(f"{_SAID[what]}: {', '.join(done[what])}")
    output.say(f"How far its reading is: appliance batches show {asked['batch_id']}")
