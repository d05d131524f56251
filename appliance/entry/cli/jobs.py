"""``appliance jobs``: long work, listed, followed and cancelled."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.kit.errors import ApplianceError

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api
    from appliance.entry.cli.events import Event

app = typer.Typer(help="Long work: list, follow, cancel.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The job's id.")]
FINAL = frozenset({"succeeded", "failed", "cancelled"})
PAUSE = 0.3
FIELDS = ("id", "kind", "state", "stage", "done", "total", "attempt", "error", "advice", "error_code", "args", "result")
TIMES = ("created_at", "started_at", "finished_at")


class JobFailed(ApplianceError):
    """The job that was waited for did not succeed."""

    code = "job_failed"
    advice = "'appliance jobs show ID' tells more."


@app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed or cancelled.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        page = api.get("/api/v1/jobs", state=state, kind=kind, limit=limit)
    if as_json:
        output.document(page)
        return
    columns: list[output.Column] = [
        ("id", lambda item: item["id"]),
        ("kind", lambda item: item["kind"]),
        ("state", lambda item: item["state"]),
        ("stage", lambda item: item.get("stage")),
        ("done", progress),
        ("created", lambda item: output.moment(item.get("created_at"))),
        ("reason", lambda item: item.get("error")),
    ]
    output.table(columns, page["items"], "There are no such jobs.")


@app.command("show")
def show(job: Id, as_json: Json = False) -> None:
    """Show one job."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.get(f"/api/v1/jobs/{job}")
    _shown(found, as_json)


@app.command("cancel")
def cancel(job: Id, as_json: Json = False) -> None:
    """Cancel a job: a waiting one at once, a running one where it next looks."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.post(f"/api/v1/jobs/{job}/cancel")
    if as_json:
        output.document(found)
    elif found["state"] in FINAL:
        output.say(f"It is {found['state']}.")
    else:
        output.say(f"It is {found['state']} and will stop soon; 'appliance jobs watch {job}' waits for it.")


@app.command("watch")
def watch(job: Id, as_json: Json = False) -> None:
    """Follow a job to its end; the exit code is 1 unless it succeeds."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        for event in api.events("GET", f"/api/v1/jobs/{job}/events"):
            if not as_json:
                output.say(line(event))
        found = api.get(f"/api/v1/jobs/{job}")
    _shown(found, as_json)
    if found["state"] != "succeeded":
        raise typer.Exit(1)


def ended(api: "Api", job: str) -> dict[str, Any]:
    """Wait for a job's end. Raises :class:`JobFailed` unless it succeeded."""
    while True:
        found: dict[str, Any] = api.get(f"/api/v1/jobs/{job}")
        if found["state"] in FINAL:
            break
        time.sleep(PAUSE)
    if found["state"] != "succeeded":
        raise JobFailed(f"Job {job} {found['state']}: {found.get('error') or 'no reason was given'}.", job=found)
    return found


def line(event: "Event") -> str:
    """One event as a line: its time and what it says."""
    data = dict(event.data)
    at = str(data.pop("at", ""))[11:19]
    if event.kind == "progress":
        told = f"{data.get('stage') or ''} {progress(data)}".strip()
    elif event.kind == "log":
        told = str(data.get("message") or data.get("event") or output.cell(data))
    else:
        told = output.cell(data)
    return f"{at}  {event.kind:<8}  {told}"


def progress(item: output.Document) -> str:
    """``done/total``, or what is known of it."""
    done, total = item.get("done"), item.get("total")
    if total:
        return f"{done}/{total}"
    return str(done) if done else ""


def _shown(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document(found)
        return
    output.fields({**found, **{name: output.moment(found.get(name)) for name in TIMES}}, (*FIELDS, *TIMES))
