"""``appliance ingest``: files and folders into a collection, each with what became of it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.batches import foretold
from appliance.entry.cli.files import Found, expand
from appliance.entry.cli.output import Json
from appliance.kit.errors import ApplianceError, Unavailable
from appliance.knowledge.parsing.formats import SENTENCE

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

DONE = frozenset({"ready", "failed"})
GOOD = frozenset({"ready", "unchanged", "queued"})
PAUSE = 0.3
MARKS = {"ready": "✓", "unchanged": "=", "queued": "…"}
AHEAD = 64
"""Files sent but not yet taken in: enough to keep the worker busy, few enough to show progress early."""

Outcome = dict[str, Any]


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help=f"Files and folders: {SENTENCE}.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Where to; created when there is none.")],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until each can be found.")] = True,
    as_json: Json = False,
) -> None:
    """Take in files. A file that fails does not stop the others; the exit code is 1 when any failed."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.collections import ensure

    output.wants_json(as_json)
    files = expand(paths)
    with connect() as api:
        into = ensure(api, collection)
        batch = api.post("/api/v1/batches", {"collection_id": into["id"], "files": len(files)})["id"]
        came = taken(api, into["id"], files, wait=wait, batch=batch)
        outcomes = _shown(came, len(files), lambda: api.get(f"/api/v1/batches/{batch}"), as_json=as_json)
        api.post(f"/api/v1/batches/{batch}/end")
    counts = Counter(outcome["state"] for outcome in outcomes)
    failed = sum(count for state, count in counts.items() if state not in GOOD)
    if as_json:
        where = {"id": into["id"], "name": into["name"]}
        output.document({"collection": where, "batch": batch, "counts": counts, "files": outcomes})
    else:
        output.say(f"{collection}: {', '.join(f'{count} {state}' for state, count in sorted(counts.items()))}.")
        if counts["queued"]:
            output.say(f"How far they are: appliance batches show {batch}")
    if failed:
        raise typer.Exit(1)


def taken(
    api: "Api",
    collection: str,
    files: tuple[Found, ...],
    *,
    wait: bool,
    ahead: int = AHEAD,
    batch: str | None = None,
) -> Iterator[Outcome]:
    """Send each file and yield what became of it, in the order in which that is known."""
    pending: list[Outcome] = []
    for file in files:
        outcome = _sent(api, collection, file, batch)
        if wait and outcome["state"] == "queued":
            pending.append(outcome)
        else:
            yield outcome
        while len(pending) >= ahead:
            yield _settled(api, pending.pop(0))
    for outcome in pending:
        yield _settled(api, outcome)


def settle(api: "Api", document: str) -> dict[str, Any]:
    """Wait until a document is ready or has failed; an appliance that restarts meanwhile is waited for too."""
    waited = 0.0
    while True:
        try:
            found: dict[str, Any] = api.get(f"/api/v1/documents/{document}")
            waited = 0.0
            if found["state"] in DONE:
                return found
        except ApplianceError as error:
            waited += PAUSE
            if error.problem()["status"] != Unavailable.status or waited > _LONGEST_RESTART:
                raise
        time.sleep(PAUSE)


def _sent(api: "Api", collection: str, file: Found, batch: str | None) -> Outcome:
    outcome: Outcome = {"path": str(file.path), "name": file.name, "state": "failed", "document_id": None}
    named = {} if batch is None else {"batch": batch}
    try:
        told = api.upload(f"/api/v1/collections/{collection}/documents", file.path, file.name, **named)
    except ApplianceError as error:
        return outcome | _reason(error)
    except OSError as error:
        return outcome | {"reason_code": "unreadable", "reason": f"It cannot be read: {error.strerror}."}
    document = told["document"]
    if told.get("unchanged") and document.get("state") in DONE:
        state = "unchanged" if document["state"] == "ready" else "failed"
        return outcome | {"state": state, "document_id": document["id"], "reason": document.get("reason")}
    return outcome | {"state": "queued", "document_id": document["id"], "job": told.get("job")}


def _settled(api: "Api", outcome: Outcome) -> Outcome:
    try:
        found = settle(api, outcome["document_id"])
    except ApplianceError as error:
        return outcome | {"state": "failed"} | _reason(error)
    names = ("state", "reason", "reason_code", "chunks", "pages", "language")
    return outcome | {name: found.get(name) for name in names}


def _reason(error: ApplianceError) -> Outcome:
    told = error.problem()
    return {"reason_code": told["code"], "reason": output.sentence(error)}


def line(outcome: Outcome) -> str:
    """One file's result as a line."""
    mark = MARKS.get(outcome["state"], "✗")
    if outcome["state"] == "ready":
        chunks = outcome.get("chunks")
        return f"{mark} {outcome['name']}: {chunks} chunk{'' if chunks == 1 else 's'}"
    return f"{mark} {outcome['name']}: {outcome.get('reason') or outcome['state']}"


def _shown(outcomes: Iterator[Outcome], total: int, batch: Callable[[], Outcome], *, as_json: bool) -> list[Outcome]:
    """Gather the outcomes; on a terminal under a bar, each with its line as it comes, and when all will be done."""
    if as_json:
        return list(outcomes)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    gathered = []
    console = output.console()
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    asked = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        for outcome in outcomes:
            gathered.append(outcome)
            bar.console.print(line(outcome), markup=False)
            bar.advance(task)
            if time.monotonic() - asked > _ASK_AGAIN:
                bar.update(task, description=foretold(batch()))
                asked = time.monotonic()
    return gathered


_LONGEST_RESTART = 120.0
_ASK_AGAIN = 1.0
