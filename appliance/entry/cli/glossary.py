"""``appliance glossary``: acronyms and what they stand for."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.kit.errors import NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="The glossary: words that mean the same, by which questions are expanded.", no_args_is_help=True)
Term = Annotated[str, typer.Argument(help="The term, as the glossary has it.")]
Expansions = Annotated[list[str], typer.Argument(metavar="EXPANSION…", help="What it stands for, in any language.")]
COLUMNS: list[output.Column] = [("term", lambda item: item["term"]), ("stands for", lambda item: item["expansions"])]
ROUTE = "/api/v1/glossary"


@app.command("list")
def list_terms(as_json: Json = False) -> None:
    """List the glossary."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(ROUTE)
    if as_json:
        output.document({"items": items})
    else:
        output.table(COLUMNS, items, "The glossary is empty.")


@app.command("set")
def set_term(term: Term, expansions: Expansions, as_json: Json = False) -> None:
    """Say what a term stands for, in place of what it stood for."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        told = _set(api, api.all(ROUTE), term, expansions)
    if as_json:
        output.document(told)
    else:
        output.say(f"{told['term']} stands for {', '.join(told['expansions'])}.")


@app.command("import")
def import_terms(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: a term and its expansions a line.")],
    as_json: Json = False,
) -> None:
    """Take in a CSV file: on each line a term and, in further columns, what it stands for."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with file.open(encoding="utf-8-sig", newline="") as opened, connect() as api:
        known = api.all(ROUTE)
        rows = ([cell.strip() for cell in row if cell.strip()] for row in csv.reader(opened))
        told = [_set(api, known, term, expansions) for term, *expansions in filter(None, rows)]
    if as_json:
        output.document({"items": told})
    else:
        output.say(f"{len(told)} entries were taken in.")


@app.command("delete")
def delete(term: Term, as_json: Json = False) -> None:
    """Delete an entry."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = _one(api.all(ROUTE), term)
        if found is None:
            raise NotFound(f"The glossary has no '{term}'.")
        api.delete(f"{ROUTE}/{found['id']}")
    if as_json:
        output.document({"deleted": found["id"]})
    else:
        output.say(f"'{found['term']}' is deleted.")


def _set(api: "Api", known: list[Any], term: str, expansions: list[str]) -> dict[str, Any]:
    found = _one(known, term)
    if found is None:
        made: dict[str, Any] = api.post(ROUTE, {"term": term, "expansions": expansions})
        known.append(made)
        return made
    changed: dict[str, Any] = api.send("PUT", f"{ROUTE}/{found['id']}", json={"expansions": expansions})
    return changed


def _one(known: list[Any], term: str) -> dict[str, Any] | None:
    return next((item for item in known if item["term"].casefold() == term.strip().casefold()), None)
