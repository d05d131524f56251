"""``appliance batches``: many documents taken in or read again as one act, with their pace and their end."""

import time
from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json

app = typer.Typer(help="Many documents read as one act: how far they are.", no_args_is_help=True)
PAUSE = 1.0
FIELDS = ("id", "kind", "collection_id", "total", "left", "unchanged", "states", "pace", "created_at", "ended_at")


@app.command("list")
def list_batches(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20, as_json: Json = False
) -> None:
    """List batches, newest first."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        page = api.get("/api/v1/batches", limit=limit)
    if as_json:
        output.document(page)
        return
    columns: list[output.Column] = [
        ("id", lambda item: item["id"]),
        ("kind", lambda item: item["kind"]),
        ("begun", lambda item: output.moment(item["created_at"])),
        ("states", lambda item: item["states"]),
        ("left", lambda item: item["left"]),
        ("end", foretold),
    ]
    output.table(columns, page["items"], "There is no batch.")


@app.command("show")
def show(
    batch: Annotated[str, typer.Argument(help="The batch's id.")],
    watch: Annotated[bool, typer.Option("--watch", help="Wait until nothing is left.")] = False,
    as_json: Json = False,
) -> None:
    """Show how far a batch is: counts by state, documents a minute, and when it will be done."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.get(f"/api/v1/batches/{batch}")
        while watch and found["left"]:
            if not as_json:
                output.say(f"{found['left']} left{foretold(found, ', ')}")
            time.sleep(PAUSE)
            found = api.get(f"/api/v1/batches/{batch}")
    if as_json:
        output.document(found)
        return
    times = {name: output.moment(found[name]) for name in ("created_at", "ended_at")}
    output.fields({**found, **times, "pace": foretold(found)}, FIELDS)


def foretold(batch: output.Document, before: str = "") -> str:
    """Pace and end with their uncertainty; empty while nothing can be said."""
    pace = batch.get("pace")
    if not pace:
        return ""
    begin, end = (output.moment(pace[name])[11:] for name in ("earliest", "latest"))
    return f"{before}{pace['per_minute']:.3g} a minute, done {begin} to {end} UTC (8 of 10)"
