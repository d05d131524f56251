"""``appliance usage``: what was used, by whom, and what it cost."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, listed, within

app = typer.Typer(help="Usage: sums, requests, a month's account, cost.", no_args_is_help=True)
Since = Annotated[str | None, typer.Option(help="From this time on, e.g. 2026-11-01T00:00:00Z.")]
Until = Annotated[str | None, typer.Option(help="Before this time.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write CSV to this file.")]
COLUMNS: list[output.Column] = [
    ("of", lambda item: item["name"]),
    ("requests", lambda item: item["requests"]),
    ("prompt tokens", lambda item: item["prompt_tokens"]),
    ("answer tokens", lambda item: item["completion_tokens"]),
    ("cached", lambda item: item["cached_tokens"]),
    ("GPU seconds", lambda item: round(item["gpu_seconds"], 1)),
    ("cost", lambda item: "not known" if item["cost"] is None else f"{item['cost']:.4f}"),
]
RECORDS: list[output.Column] = [
    ("time", lambda item: output.moment(item["started_at"])),
    ("user", lambda item: item["user_id"]),
    ("route", lambda item: item["route"]),
    ("outcome", lambda item: item["outcome"]),
    ("prompt", lambda item: item["prompt_tokens"]),
    ("answer", lambda item: item["completion_tokens"]),
    ("seconds", lambda item: round(item["total_seconds"], 2)),
]
PRICES: list[output.Column] = [
    ("provider", lambda item: item["provider"]),
    ("model", lambda item: item["model"]),
    ("prompt", lambda item: item["input"]),
    ("answer", lambda item: item["output"]),
]
CLOUDS: list[output.Column] = [
    ("provider", lambda item: item["provider"]),
    ("model", lambda item: item["model"]),
    ("list price", lambda item: f"{item['price']:.4f}"),
]
ACCOUNT = ("month", "time_zone", "cost_per_million_tokens", "currency", "waiting", "appliance_id")


@app.command("show")
def show(
    by: Annotated[str, typer.Option(help="hour, day, month, user, key, route or model.")] = "day",
    since: Since = None,
    until: Until = None,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Sum usage by one thing."""
    found = _get("usage", tenant, as_json=as_json, by=by, since=since, until=until)
    if as_json:
        output.document(found)
        return
    output.table(COLUMNS, found["items"], "Nothing was used.")
    if found["waiting"]:
        output.say(f"{found['waiting']} requests are not summed yet.")


@app.command("records")
def records(
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """List requests, newest first."""
    found = _get("usage/records", tenant, as_json=as_json, since=since, until=until, limit=limit)
    listed(found["items"], RECORDS, "Nothing was used.", as_json=as_json)


@app.command("account")
def account(
    month: Annotated[str | None, typer.Option(help="As 2026-11; the present one when left out.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV: the total, then by user, key, route, model.")] = False,
    to: Output = None,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Show what a tenant is to be charged for a month, and what clouds would list for the same."""
    if as_csv or to is not None:
        _written("usage/account/export", to, tenant, as_json=as_json, month=month)
        return
    found = _get("usage/account", tenant, as_json=as_json, month=month)
    if as_json:
        output.document(found)
        return
    output.fields(found, ACCOUNT)
    for part in ("users", "keys", "routes", "models"):
        output.say(f"By {part}:")
        output.table(COLUMNS, found[part], "Nothing was used.")
    output.say(f"List prices of {found['list_prices_as_of']}, in {found['list_prices_currency']}:")
    output.table(CLOUDS, found["clouds"], "None are known.")


@app.command("cost")
def cost(as_json: Json = False) -> None:
    """Show what a busy second of this server costs by its settings, and clouds' list prices."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.get("/api/v1/usage/cost")
    if as_json:
        output.document(found)
        return
    each = found["per_gpu_second"]
    told = "is not known: set usage.hardware_price" if each is None else f"costs {each:.6f} {found['currency']}"
    prices = found["list_prices"]
    output.say(f"A busy second of this server {told}.")
    output.say(f"Clouds' list prices for a million tokens, {prices['currency']}, of {prices['as_of']}:")
    output.table(PRICES, prices["models"], "None are known.")
    output.say(f"{prices['source']}. {prices['note']}")


@app.command("export")
def export(
    to: Output = None,
    since: Since = None,
    until: Until = None,
    tenant: Of = None,
    as_json: Annotated[bool, typer.Option("--json", help="The lines are CSV all the same; errors are JSON.")] = False,
) -> None:
    """Write the requests as CSV, one a line; each carries the id of this appliance."""
    _written("usage/export", to, tenant, as_json=as_json, since=since, until=until)


def _written(path: str, to: Path | None, tenant: str | None, *, as_json: bool, **query: object) -> None:
    """What is at ``path``, line by line, to a file or to standard output."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        lines = api.lines(f"{within(api, tenant)}/{path}", **query)
        if to is None:
            sys.stdout.writelines(lines)
            return
        part = to.with_name(f".{to.name}.part")
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        part.replace(to)


def _get(path: str, tenant: str | None, *, as_json: bool, **query: object) -> Any:  # noqa: ANN401 - JSON of many shapes
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        return api.get(f"{within(api, tenant)}/{path}", **query)
