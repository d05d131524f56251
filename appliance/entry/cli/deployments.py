"""``appliance deployments``: what runs which model, with which settings, how often."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.models import version
from appliance.entry.cli.output import Json
from appliance.entry.cli.serving import PATH, deployment, settings, settled
from appliance.entry.cli.tenants import change, listed, shown

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="Deployments: what runs which model.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Its name or id.")]
Model = Annotated[str, typer.Option("--model", help="A model version: its name, id, or the beginning of its digest.")]
Engine = Annotated[
    list[str] | None, typer.Option("--engine", help="An engine setting: context=8192; repeat it.", metavar="NAME=VALUE")
]
Replicas = Annotated[int | None, typer.Option(min=1, max=64, help="How many engines share its requests.")]
Wait = Annotated[bool, typer.Option("--wait", help="Return when it is as asked, or say why it cannot be.")]
FIELDS = (
    "name", "model", "digest", "serving_digest", "desired", "actual", "reason", "wanted_replicas", "restarts",
    "actual_since", "routes", "engine", "former_model_id", "id",
)  # fmt: skip
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("model", lambda item: item["model"]),
    ("desired", lambda item: item["desired"]),
    ("actual", lambda item: item["actual"]),
    ("since", lambda item: output.moment(item.get("actual_since"))),
    ("replicas", lambda item: item.get("wanted_replicas")),
    ("restarts", lambda item: item.get("restarts")),
    ("routes", lambda item: item.get("routes")),
    ("reason", lambda item: item.get("reason")),
]
REPLICAS: list[output.Column] = [
    ("replica", lambda item: item["id"]),
    ("actual", lambda item: item["actual"]),
    ("in service", lambda item: item["in_service"]),
    ("adapters", lambda item: item["adapters"]),
    ("device", lambda item: item["placement"].get("devices")),
    ("restarts", lambda item: item["restarts"]),
    ("reason", lambda item: item["reason"]),
]


@app.command("list")
def list_deployments(as_json: Json = False) -> None:
    """List the deployments, what is wanted of each beside what it does."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        listed(api.all(PATH), COLUMNS, "There is no deployment.", as_json=as_json)


@app.command("show")
def show(name: Named, as_json: Json = False) -> None:
    """Show a deployment, its replicas, and why each runs where it does."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(deployment(api, name), as_json=as_json)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    model_name: Model,
    engine: Engine = None,
    replicas: Replicas = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Deploy a model version (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        body = {"name": name, "model_id": version(api, model_name)["id"], "engine": settings(engine) or {}}
        item = api.post(PATH, {**body, "replicas": replicas or 1})
        _told(settled(api, item, wait=wait), as_json=as_json)


@app.command("update")
def update(
    name: Named, engine: Engine = None, replicas: Replicas = None, wait: Wait = False, as_json: Json = False
) -> None:
    """Change engine settings or the number of replicas, without a gap (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        item = deployment(api, name)
        item = change(api, f"{PATH}/{item['id']}", item, {"engine": settings(engine), "replicas": replicas})
        _told(settled(api, item, wait=wait), as_json=as_json)


@app.command("start")
def start(name: Named, wait: Wait = False, as_json: Json = False) -> None:
    """Start a deployment, or try at once what failed and waits (operator)."""
    _turned(name, "start", wait=wait, as_json=as_json)


@app.command("stop")
def stop(name: Named, wait: Wait = False, as_json: Json = False) -> None:
    """Stop a deployment once it has finished what it has begun (operator)."""
    _turned(name, "stop", wait=wait, as_json=as_json)


@app.command("swap")
def swap(name: Named, model_name: Model, engine: Engine = None, wait: Wait = False, as_json: Json = False) -> None:
    """Have another model version take over without a gap (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        item = deployment(api, name)
        body = {"model_id": version(api, model_name)["id"], "engine": settings(engine)}
        _told(settled(api, _matched(api, item, "swap", body), wait=wait), as_json=as_json)


@app.command("rollback")
def rollback(name: Named, wait: Wait = False, as_json: Json = False) -> None:
    """Have the version before the last swap take over again, without a gap (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(settled(api, _matched(api, deployment(api, name), "rollback"), wait=wait), as_json=as_json)


@app.command("delete")
def delete(
    name: Named,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a deployment that no route leads to (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        item = deployment(api, name)
        if not yes:
            typer.confirm(f"Delete deployment '{item['name']}'?", abort=True, err=True)
        api.delete(f"{PATH}/{item['id']}")
        shown(item, ("name", "id"), as_json=as_json)


@app.command("logs")
def logs(
    name: Named,
    lines: Annotated[int, typer.Option(min=1, max=2000, help="How many of each replica's last lines.")] = 50,
    as_json: Json = False,
) -> None:
    """Show the last lines that the engines of a deployment wrote (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.get(f"{PATH}/{deployment(api, name)['id']}/logs", lines=lines)["items"]
    if as_json:
        output.document({"items": items})
        return
    for item in items:
        output.say(f"replica {item['replica_id']}")
        for line in item["lines"]:
            output.say(f"  {line}")


def _matched(api: "Api", item: dict[str, Any], verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"if-match": f'"{item["version"]}"'}
    changed: dict[str, Any] = api.send("POST", f"{PATH}/{item['id']}/{verb}", json=body, headers=headers)
    return changed


def _turned(name: str, verb: str, *, wait: bool, as_json: bool) -> None:
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        item = api.post(f"{PATH}/{deployment(api, name)['id']}/{verb}")
        _told(settled(api, item, wait=wait), as_json=as_json)


def _told(item: dict[str, Any], *, as_json: bool) -> None:
    shown(item, FIELDS, as_json=as_json)
    if not as_json:
        output.table(REPLICAS, item["replicas"], "No engine of it runs.")
        for reason in [told for one in item["replicas"] for told in one["placement"].get("reasons", [])]:
            output.say(f"placement: {reason}")
