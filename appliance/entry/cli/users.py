"""``appliance users``: people and service accounts of a tenant."""

import sys
from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, change, listed, one, shown, within

app = typer.Typer(help="Users and service accounts of a tenant.", no_args_is_help=True)
Login = Annotated[str, typer.Argument(metavar="LOGIN", help="The user's login or id.")]
FIELDS = ("login", "name", "role", "kind", "state", "created_at", "id")
COLUMNS: list[output.Column] = [
    ("login", lambda item: item["login"]),
    ("name", lambda item: item["name"]),
    ("role", lambda item: item["role"]),
    ("kind", lambda item: item["kind"]),
    ("state", lambda item: item["state"]),
    ("id", lambda item: item["id"]),
]


@app.command("list")
def list_users(
    tenant: Of = None,
    role: Annotated[str | None, typer.Option(help="Only those with this role.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those: active or suspended.")] = None,
    as_json: Json = False,
) -> None:
    """List users."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(f"{within(api, tenant)}/users", role=role, state=state)
    listed(items, COLUMNS, "There is no such user.", as_json=as_json)


@app.command("show")
def show(login: Login, tenant: Of = None, as_json: Json = False) -> None:
    """Show a user."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(one(api, f"{within(api, tenant)}/users", "user", login, "login"), FIELDS, as_json=as_json)


@app.command("create")
def create(
    login: Annotated[str, typer.Argument(help="What the user signs in as; unique in the appliance.")],
    name: Annotated[str | None, typer.Option(help="The person's name; the login when left out.")] = None,
    role: Annotated[str, typer.Option(help="member, editor, tenant_admin, auditor or operator.")] = "member",
    service: Annotated[bool, typer.Option("--service", help="A service account: keys only, no password.")] = False,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Create a user."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    body = {"login": login, "name": name or login, "role": role, "kind": "service" if service else "person"}
    if password_stdin:
        body["password"] = _typed()
    with connect() as api:
        shown(api.post(f"{within(api, tenant)}/users", body), FIELDS, as_json=as_json)


@app.command("change")
def change_user(
    login: Login,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    role: Annotated[str | None, typer.Option(help="The new role.")] = None,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Change a user's name or role."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/users"
        item = one(api, path, "user", login, "login")
        changed = change(api, f"{path}/{item['id']}", item, {"name": name, "role": role})
    shown(changed, FIELDS, as_json=as_json)


@app.command("password")
def password(login: Login, tenant: Of = None, as_json: Json = False) -> None:
    """Set a person's password, read from standard input or asked for."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/users"
        item = one(api, path, "user", login, "login")
        api.send("PUT", f"{path}/{item['id']}/password", json={"password": _typed()})
    if as_json:
        output.document({"id": item["id"]})
    else:
        output.say(f"The password of '{item['login']}' is set.")


@app.command("suspend")
def suspend(login: Login, tenant: Of = None, as_json: Json = False) -> None:
    """Accept none of a user's credentials any more."""
    _turned(login, tenant, "suspend", as_json=as_json)


@app.command("resume")
def resume(login: Login, tenant: Of = None, as_json: Json = False) -> None:
    """Accept a suspended user's credentials again."""
    _turned(login, tenant, "resume", as_json=as_json)


def _turned(login: str, tenant: str | None, verb: str, *, as_json: bool) -> None:
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/users"
        item = one(api, path, "user", login, "login")
        shown(api.post(f"{path}/{item['id']}/{verb}"), FIELDS, as_json=as_json)


def _typed() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("New password (12 characters or more)", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\n")
