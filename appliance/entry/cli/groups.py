"""``appliance groups``: named sets of users that access lists of documents can name."""

from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, change, listed, one, shown, within
from appliance.entry.cli.users import COLUMNS as USERS

app = typer.Typer(help="Groups of a tenant's users.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(metavar="GROUP", help="The group's name or id.")]
Login = Annotated[str, typer.Argument(metavar="LOGIN", help="The user's login or id.")]
FIELDS = ("name", "members", "created_at", "id")
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("members", lambda item: item["members"]),
    ("id", lambda item: item["id"]),
]


@app.command("list")
def list_groups(tenant: Of = None, as_json: Json = False) -> None:
    """List groups."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(f"{within(api, tenant)}/groups")
    listed(items, COLUMNS, "There is no group yet.", as_json=as_json)


@app.command("show")
def show(name: Named, tenant: Of = None, as_json: Json = False) -> None:
    """Show a group and its members."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        item = one(api, f"{at}/groups", "group", name)
        members = api.all(f"{at}/users", group=item["id"])
    if as_json:
        output.document({**item, "users": members})
    else:
        output.fields(item, FIELDS)
        output.table(USERS, members, "It has no members.")


@app.command("create")
def create(name: Annotated[str, typer.Argument(help="Its name.")], tenant: Of = None, as_json: Json = False) -> None:
    """Create a group."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.post(f"{within(api, tenant)}/groups", {"name": name}), FIELDS, as_json=as_json)


@app.command("rename")
def rename(
    name: Named, new: Annotated[str, typer.Argument(help="Its new name.")], tenant: Of = None, as_json: Json = False
) -> None:
    """Rename a group; access lists go on naming it."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/groups"
        item = one(api, path, "group", name)
        shown(change(api, f"{path}/{item['id']}", item, {"name": new}), FIELDS, as_json=as_json)


@app.command("delete")
def delete(
    name: Named,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Delete a group. What only its members could read, nobody can read until its access list is changed."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/groups"
        item = one(api, path, "group", name)
        if not yes:
            typer.confirm(f"Delete the group '{item['name']}' with {item['members']} members?", abort=True, err=True)
        api.delete(f"{path}/{item['id']}")
    shown({"deleted": item["id"]}, ("deleted",), as_json=as_json)


@app.command("add")
def add(name: Named, login: Login, tenant: Of = None, as_json: Json = False) -> None:
    """Make a user a member of a group."""
    _membership("PUT", name, login, tenant, as_json=as_json)


@app.command("remove")
def remove(name: Named, login: Login, tenant: Of = None, as_json: Json = False) -> None:
    """Take a user out of a group."""
    _membership("DELETE", name, login, tenant, as_json=as_json)


def _membership(verb: str, name: str, login: str, tenant: str | None, *, as_json: bool) -> None:
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        path = f"{at}/groups/{one(api, f'{at}/groups', 'group', name)['id']}"
        api.send(verb, f"{path}/members/{one(api, f'{at}/users', 'user', login, 'login')['id']}")
        shown(api.get(path), FIELDS, as_json=as_json)
