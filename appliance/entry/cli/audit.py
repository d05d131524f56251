"""``appliance audit``: who did what, and the proof that nobody changed the record since."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.kit.errors import Refused

if TYPE_CHECKING:
    from appliance.audit.chain import Head

app = typer.Typer(help="The audit record: list, verify, export.", no_args_is_help=True)
Since = Annotated[str | None, typer.Option(help="From this time on, e.g. 2026-11-24T00:00:00Z.")]
Until = Annotated[str | None, typer.Option(help="Before this time.")]


class NotAHead(Refused):
    """The file holds no head."""

    code = "not_a_head"
    advice = "Give a head as 'appliance audit head --json' prints it, or an export that ends with heads."


@app.command("list")
def list_entries(  # noqa: PLR0917 - one parameter a filter
    actor: Annotated[str | None, typer.Option(help="Only acts of this user (id).")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, e.g. user.create.")] = None,
    outcome: Annotated[str | None, typer.Option(help="done or refused.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only in this tenant (id).")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List who did what, newest first."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    asked = {"actor": actor, "action": action, "outcome": outcome, "tenant": tenant, "since": since, "until": until}
    with connect() as api:
        page = api.get("/api/v1/audit", limit=limit, **asked)
    if as_json:
        output.document(page)
        return
    columns: list[output.Column] = [
        ("number", lambda item: item["seq"]),
        ("time", lambda item: output.moment(item["created_at"])),
        ("action", lambda item: item["action"]),
        ("object", lambda item: item["object"]),
        ("outcome", lambda item: item["outcome"]),
        ("actor", lambda item: item["actor"]),
        ("source", lambda item: item["source"]),
    ]
    output.table(columns, page["items"], "There are no such entries.")


@app.command("head")
def head(as_json: Json = False) -> None:
    """Sign where the chain stands now; keep it elsewhere, and a cut tail will show."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.post("/api/v1/audit/heads")
    if as_json:
        output.document(found)
    else:
        output.fields(found, ("seq", "hash", "time", "appliance", "key", "signature"))


@app.command("export")
def export(
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    since: Since = None,
    until: Until = None,
    as_json: Annotated[bool, typer.Option("--json", help="The lines are JSON anyway; errors too then.")] = False,
) -> None:
    """Write the record as OCSF events, one a line, then the signed heads."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        lines = api.lines("/api/v1/audit/export", since=since, until=until)
        if to is None:
            sys.stdout.writelines(lines)
            return
        part = to.with_name(f".{to.name}.part")
        with part.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        part.replace(to)


@app.command("verify")
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export; without it, the appliance's own record.")] = None,
    kept: Annotated[Path | None, typer.Option("--head", help="A head that was kept elsewhere (JSON).")] = None,
    key: Annotated[str | None, typer.Option(help="The public key (hex) that must have signed; offline.")] = None,
    partial: Annotated[bool, typer.Option(help="The export begins later than the record.")] = False,
    as_json: Json = False,
) -> None:
    """Prove the chain, offline over an export or online; name the first break. The exit code is 1 if it is broken."""
    output.wants_json(as_json)
    given = _head(kept) if kept else None
    verdict = _offline(file, given, key, partial) if file else _online(given)
    if as_json:
        output.document(verdict)
    elif verdict["holds"]:
        against = f"{verdict['heads']} signed heads" if verdict["heads"] else "no head"
        output.say(f"The chain holds from {verdict['first']} to {verdict['last']}, against {against}.")
    else:
        broken = verdict["broken"]
        entry = f" (entry {broken['entry']})" if broken["entry"] else ""
        output.say(f"The chain is broken at {broken['seq']}: {broken['kind']}{entry}: {broken['detail']}.")
    if not verdict["holds"]:
        raise typer.Exit(1)


def _online(given: "Head | None") -> dict[str, Any]:
    from appliance.entry.cli.client import PATIENT, connect

    with connect() as api:
        path = "/api/v1/audit/verify"
        body = given.document() if given else None
        found: dict[str, Any] = api.send("POST" if given else "GET", path, json=body, timeout=PATIENT)
    return found


def _offline(file: Path, given: "Head | None", key: str | None, partial: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from appliance.audit import ocsf
    from appliance.audit.verifying import verify as prove

    with file.open(encoding="utf-8") as lines:
        heads = [*ocsf.heads_in(lines), *([given] if given else [])]
    if key and any(head.key != key for head in heads):
        raise NotAHead("A head was signed by another key than the one given.")
    with file.open(encoding="utf-8") as lines:
        verdict = prove(ocsf.records_in(lines), heads, partial=partial)
    return {"holds": verdict.broken is None, **asdict(verdict), "keys": sorted({head.key for head in heads})}


def _head(kept: Path) -> "Head":
    import json

    from appliance.audit.chain import Head

    try:
        return Head.of(json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAHead(f"{kept} holds no head.") from error
