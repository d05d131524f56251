"""``appliance collections retention``: how long a collection keeps its documents."""

from datetime import datetime
from typing import Annotated, Any

import typer

from appliance.entry.cli import collections, output
from appliance.entry.cli.output import Json
from appliance.entry.cli.revisions import COLLECTIONS, DOCUMENTS

__all__ = ["COLLECTIONS", "DOCUMENTS"]

DUE: list[output.Column] = [
    ("document", lambda item: item["name"]),
    ("due", lambda item: output.moment(item["due_at"])),
    ("held", lambda item: item["held"]),
]
RUNS: list[output.Column] = [
    ("run", lambda item: item["id"]),
    ("ended", lambda item: output.moment(item["ended_at"])),
    ("forgotten", lambda item: item["documents"]),
    ("held", lambda item: item["held"]),
]


@collections.app.command("retention")
def retention(
    name: collections.Named,
    added: Annotated[int | None, typer.Option(metavar="DAYS", help="Forget so many days after it was added.")] = None,
    modified: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Forget so many days after its last change.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Forget all after this day.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Take the rule away: documents stay.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be forgotten now; change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show how long a collection keeps its documents, and what was forgotten; set or take away the rule, or try one."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    rule = _rule(added, modified, until)
    with connect() as api:
        path = f"/api/v1/collections/{collections.one(api, name)['id']}/retention"
        if dry_run:
            told = api.send("POST", f"{path}/preview", json={"rule": rule})
        elif keep:
            api.delete(path)
            told = api.get(path)
        else:
            told = api.send("PUT", path, json=rule) if rule else api.get(path)
    if as_json:
        output.document(told)
    elif dry_run:
        output.say(f"{told['documents']} are due, {told['held']} of them held: these stay.")
        output.table(DUE, told["first"], "Nothing is due.")
    else:
        output.say(f"Documents are forgotten: {output.cell(told['rule'])}." if told["rule"] else "Documents stay.")
        output.table(RUNS, told["runs"], "Nothing was forgotten by it.")


def _rule(added: int | None, modified: int | None, until: datetime | None) -> dict[str, Any] | None:
    given: list[dict[str, Any]] = [
        {"days": days, "since": since} for days, since in ((added, "added"), (modified, "modified")) if days is not None
    ]
    if until is not None:
        given.append({"until": until.date().isoformat()})
    if len(given) > 1:
        raise typer.BadParameter("give one of --added, --modified and --until")
    return given[0] if given else None
