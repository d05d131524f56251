"""``appliance tenants``: the customers of this appliance."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.kit.errors import NotFound

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="Tenants: companies or departments that see nothing of each other.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name or id.")]
Of = Annotated[str | None, typer.Option("--tenant", "-t", help="The tenant's name or id; your own when left out.")]
PATH = "/api/v1/tenants"
FIELDS = ("name", "state", "settings", "created_at", "id")
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("state", lambda item: item["state"]),
    ("created", lambda item: output.moment(item["created_at"])),
    ("id", lambda item: item["id"]),
]


def one(api: "Api", path: str, what: str, name: str, field: str = "name") -> dict[str, Any]:
    """The item of a list with this name or id. Raises :class:`NotFound`."""
    named = api.all(path, **{field: name})
    for item in named or api.all(path):
        if name in (item[field], item["id"]):
            found: dict[str, Any] = item
            return found
    raise NotFound(f"There is no {what} '{name}'.")


def within(api: "Api", tenant: str | None) -> str:
    """The path of this tenant, or of the caller's own."""
    found = api.get("/api/v1/me")["tenant_id"] if tenant is None else one(api, PATH, "tenant", tenant)["id"]
    return f"{PATH}/{found}"


def change(api: "Api", path: str, item: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Change an item as it was just read; 412 when somebody else was quicker."""
    changed: dict[str, Any] = api.send("PATCH", path, json=body, headers={"if-match": f'"{item["version"]}"'})
    return changed


def shown(item: dict[str, Any], fields: tuple[str, ...], *, as_json: bool) -> None:
    """One item, for a program or a person."""
    if as_json:
        output.document(item)
    else:
        output.fields(item, fields)


def listed(items: list[Any], columns: list[output.Column], nothing: str, *, as_json: bool) -> None:
    """Many items, for a program or a person."""
    if as_json:
        output.document({"items": items})
    else:
        output.table(columns, items, nothing)


@app.command("list")
def list_tenants(
    state: Annotated[str | None, typer.Option(help="Only those: active, suspended, deleting or deleted.")] = None,
    as_json: Json = False,
) -> None:
    """List the tenants (operator, auditor)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        listed(api.all(PATH, state=state), COLUMNS, "There is no such tenant.", as_json=as_json)


@app.command("show")
def show(name: Named, as_json: Json = False) -> None:
    """Show a tenant."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(one(api, PATH, "tenant", name), FIELDS, as_json=as_json)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    time_zone: Annotated[str | None, typer.Option(help="An IANA name; its days and months follow it.")] = None,
    as_json: Json = False,
) -> None:
    """Create a tenant."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.post(PATH, {"name": name, "settings": {"time_zone": time_zone}}), FIELDS, as_json=as_json)


@app.command("change")
def change_tenant(
    name: Named,
    rename: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Its new time zone.")] = None,
    contact: Annotated[str | None, typer.Option(help="Whom to ask.")] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="en, zh-Hans or zh-Hant; may be repeated, the usual one first.")
    ] = None,
    require_totp: Annotated[
        bool | None, typer.Option("--require-totp/--no-require-totp", help="Ask for a one-time code at sign-in.")
    ] = None,
    *,
    keep_conversations_days: Annotated[
        int | None, typer.Option(min=0, help="Days that conversations are kept; 0: until people delete them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Rename a tenant or change its settings."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    chosen = {"time_zone": time_zone, "contact": contact, "languages": language or None, "require_totp": require_totp}
    told: dict[str, object] = {name: value for name, value in chosen.items() if value is not None}
    if keep_conversations_days is not None:
        told["keep_conversations_days"] = keep_conversations_days or None
    body = {"name": rename, "settings": told}
    with connect() as api:
        item = one(api, PATH, "tenant", name)
        shown(change(api, f"{PATH}/{item['id']}", item, body), FIELDS, as_json=as_json)


@app.command("suspend")
def suspend(name: Named, as_json: Json = False) -> None:
    """Let nobody of a tenant in any more."""
    _turned(name, "suspend", as_json=as_json)


@app.command("resume")
def resume(name: Named, as_json: Json = False) -> None:
    """Let a suspended tenant's people in again."""
    _turned(name, "resume", as_json=as_json)


def _turned(name: str, verb: str, *, as_json: bool) -> None:
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        item = one(api, PATH, "tenant", name)
        shown(api.post(f"{PATH}/{item['id']}/{verb}"), FIELDS, as_json=as_json)
