"""``appliance routes``: the names that callers send as ``model``, and where each leads."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.serving import ROUTES, adapter, deployment, flipped
from appliance.entry.cli.tenants import PATH as TENANTS
from appliance.entry.cli.tenants import listed, one, shown

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="Routes: the names that callers use, and where each leads.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(metavar="ROUTE", help="Its name.")]
Deployment = Annotated[str, typer.Option("--deployment", "-d", help="A deployment's name or id.")]
Adapter = Annotated[
    str | None,
    typer.Option("--adapter", "-a", help="TENANT/NAME for its newest version, TENANT/NAME:2 for another, or its id."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Return when the route has flipped.")]
FIELDS = ("name", "lead", "next", "waits_for", "canary", "canary_percent", "fallback", "former", "everyone", "tenants")
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("leads to", lambda item: _lead(item["lead"])),
    ("next", lambda item: _lead(item["next"])),
    ("canary", lambda item: f"{item['canary_percent']} % {_lead(item['canary'])}" if item["canary"] else ""),
    ("fallback", lambda item: _lead(item["fallback"])),
    ("for", lambda item: "everyone" if item["everyone"] else item["tenant_ids"]),
]


@app.command("list")
def list_routes(as_json: Json = False) -> None:
    """List the routes that you may use; an operator or auditor sees all."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        listed(api.all(ROUTES), COLUMNS, "There is no route.", as_json=as_json)


@app.command("show")
def show(name: Named, as_json: Json = False) -> None:
    """Show where a route leads, what is on trial, and what it waits for."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(api.get(f"{ROUTES}/{name}"), as_json=as_json)


@app.command("set")
def set_route(
    name: Named,
    to: Deployment,
    adapter_name: Adapter = None,
    fallback: Annotated[str | None, typer.Option(help="The deployment that answers while the other is down.")] = None,
    tenant: Annotated[
        list[str] | None, typer.Option("--tenant", "-t", help="Who may use it; repeat it. All when left out.")
    ] = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Make a route, or lead one elsewhere as soon as every engine there is ready for it (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        body = {
            **_where(api, to, adapter_name),
            "fallback_id": deployment(api, fallback)["id"] if fallback else None,
            "tenant_ids": [one(api, TENANTS, "tenant", each)["id"] for each in tenant] if tenant else None,
        }
        _told(flipped(api, _changed(api, "PUT", name, "", body), wait=wait), as_json=as_json)


@app.command("canary")
def canary(
    name: Named,
    percent: Annotated[int, typer.Option(min=0, max=100, help="Of a hundred conversations; 0 ends the trial.")],
    to: Annotated[str | None, typer.Option("--deployment", "-d", help="A deployment's name or id.")] = None,
    adapter_name: Adapter = None,
    as_json: Json = False,
) -> None:
    """Have a share of a route's conversations answered by something else (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        where = _where(api, to, adapter_name) if to else {}
        _told(_changed(api, "PUT", name, "/canary", {**where, "percent": percent}), as_json=as_json)


@app.command("promote")
def promote(name: Named, wait: Wait = False, as_json: Json = False) -> None:
    """Lead a route to what is on trial (operator)."""
    _turned(name, "/promote", wait=wait, as_json=as_json)


@app.command("rollback")
def rollback(name: Named, wait: Wait = False, as_json: Json = False) -> None:
    """Lead a route to where it led before (operator)."""
    _turned(name, "/rollback", wait=wait, as_json=as_json)


@app.command("delete")
def delete(
    name: Named,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a route (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        if not yes:
            typer.confirm(f"Delete route '{name}'?", abort=True, err=True)
        api.delete(f"{ROUTES}/{name}")
        shown({"name": name}, ("name",), as_json=as_json)


def _where(api: "Api", to: str, adapter_name: str | None) -> dict[str, Any]:
    found = adapter(api, adapter_name) if adapter_name else None
    return {"deployment_id": deployment(api, to)["id"], "adapter_id": found}


def _changed(api: "Api", method: str, name: str, verb: str, body: object = None) -> dict[str, Any]:
    """Change a route as it was just read, or make it."""
    found = next((item for item in api.all(ROUTES) if item["name"] == name), None)
    headers = {"if-match": f'"{found["version"]}"'} if found else {}
    changed: dict[str, Any] = api.send(method, f"{ROUTES}/{name}{verb}", json=body, headers=headers)
    return changed


def _turned(name: str, verb: str, *, wait: bool, as_json: bool) -> None:
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(flipped(api, _changed(api, "POST", name, verb), wait=wait), as_json=as_json)


def _told(item: dict[str, Any], *, as_json: bool) -> None:
    leads = {part: _lead(item[part]) for part in ("lead", "next", "canary", "fallback", "former")}
    shown(item if as_json else {**item, **leads, "tenants": item["tenant_ids"]}, FIELDS, as_json=as_json)


def _lead(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    name = told["deployment"] or "a deployment that is gone"
    return f"{name} with adapter {told['adapter_id']}" if told["adapter_id"] else str(name)
