"""``appliance sources push|gone``: what a program does over the API, by hand or from a script."""

from pathlib import Path
from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.sources import PATH, Named, app, one

SOURCES = app
"""The verbs of sources, those of this module among them."""
External = Annotated[str, typer.Argument(metavar="EXTERNAL", help="What it is known by where it comes from.")]


@app.command("push")
def push(
    source: Named,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What to send.")],
    external: Annotated[str | None, typer.Option("--as", help="What it is known by; the file's name if not.")] = None,
    as_json: Json = False,
) -> None:
    """Push a document: new, a new revision, or nothing for the same bytes again."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        key, known = one(api, source)["id"], external or file.name
        told = api.form(f"{PATH}/{key}/items", {"external": known}, {"file": file}, method="PUT")
    if as_json:
        output.document(told)
    else:
        output.say(f"'{known}' is {told['act']}.")


@app.command("gone")
def gone(source: Named, external: External, as_json: Json = False) -> None:
    """Say that what was pushed is gone where it came from: its document is forgotten."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{PATH}/{one(api, source)['id']}/items"
        told = api.send("DELETE", path, params={"external": external})
    if as_json:
        output.document(told)
    else:
        output.say(f"'{external}' is {told['act']}.")
