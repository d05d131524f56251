"""``appliance adapters``: a tenant's own LoRA weights, each for exactly one model version."""

from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, listed, shown, within
from appliance.kit.errors import NotFound, Refused

app = typer.Typer(help="A tenant's adapters: import, list, show, verify, delete.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(metavar="ADAPTER", help="The adapter's name (its newest version) or id.")]
FIELDS = (
    "name", "version", "id", "base", "state", "reason", "digest", "bytes", "rank", "modules", "created_by",
    "created_at", "verified_at",
)  # fmt: skip
FILES = ("adapter_config.json", "adapter_model.safetensors")
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("version", lambda item: item["version"]),
    ("state", lambda item: item["state"]),
    ("rank", lambda item: item["rank"]),
    ("size", lambda item: output.size(item["bytes"])),
    ("digest", lambda item: item["digest"][:12]),
    ("base", lambda item: item["base"]),
    ("id", lambda item: item["id"]),
]


class NoAdapterHere(Refused):
    """The directory does not hold an adapter's two files."""

    code = "no_adapter_here"
    advice = "Name the directory that holds adapter_config.json and adapter_model.safetensors."


@app.command("import")
def import_adapter(
    directory: Annotated[Path, typer.Argument(help="Holds adapter_config.json and adapter_model.safetensors.")],
    name: Annotated[str, typer.Option(help="Its name in the tenant; a name that is there gets a new version.")],
    base: Annotated[str, typer.Option(help="The model version that it was trained on: name or id.")],
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Import an adapter; it is checked against its base before anything is kept."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.models import version

    output.wants_json(as_json)
    config, weights = (directory / file for file in FILES)
    if not (config.is_file() and weights.is_file()):
        raise NoAdapterHere(f"{directory} does not hold {FILES[0]} and {FILES[1]}.")
    with connect() as api:
        fields = {"name": name, "base": version(api, base)["id"]}
        item = api.form(f"{within(api, tenant)}/adapters", fields, {"config": config, "weights": weights})
    shown(item, FIELDS, as_json=as_json)


@app.command("list")
def list_adapters(tenant: Of = None, as_json: Json = False) -> None:
    """List adapters with all of their versions."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(f"{within(api, tenant)}/adapters")
    listed(items, COLUMNS, "There is no adapter yet. 'appliance adapters import' brings one.", as_json=as_json)


@app.command("show")
def show(adapter: Named, tenant: Of = None, as_json: Json = False) -> None:
    """Show an adapter."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(_one(api, within(api, tenant), adapter), FIELDS, as_json=as_json)


@app.command("verify")
def verify(adapter: Named, tenant: Of = None, as_json: Json = False) -> None:
    """Read every byte of an adapter again; the exit code is 1 when any differs from what was imported."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        item = api.post(f"{at}/adapters/{_one(api, at, adapter)['id']}/verify", patient=True)
    shown(item, FIELDS, as_json=as_json)
    if item["state"] != "verified":
        raise typer.Exit(1)


@app.command("delete")
def delete(
    adapter: Named,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Delete one version of an adapter."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        item = _one(api, at, adapter)
        if not yes:
            typer.confirm(f"Delete version {item['version']} of '{item['name']}'?", abort=True, err=True)
        api.delete(f"{at}/adapters/{item['id']}")
    shown({"deleted": item["id"]}, ("deleted",), as_json=as_json)


def _one(api: Any, at: str, wanted: str) -> dict[str, Any]:  # noqa: ANN401 - the client, imported when it runs
    """The adapter of this id, or the newest version of this name."""
    found = [item for item in api.all(f"{at}/adapters") if wanted in (item["id"], item["name"])]
    if not found:
        raise NotFound(f"There is no adapter '{wanted}'.")
    return dict(max(found, key=lambda item: item["version"]))
