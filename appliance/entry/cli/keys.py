"""``appliance keys``: API keys of a tenant's users."""

from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, listed, one, shown, within

app = typer.Typer(help="API keys of a tenant's users.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The key's id.")]
FIELDS = ("key", "name", "user_id", "scopes", "models", "expires_at", "revoked_at", "last_used_at", "created_at", "id")
COLUMNS: list[output.Column] = [
    ("name", lambda item: item["name"]),
    ("user", lambda item: item["user_id"]),
    ("scopes", lambda item: item["scopes"] or "all"),
    ("models", lambda item: item["models"] or "all"),
    ("expires", lambda item: output.moment(item["expires_at"])),
    ("revoked", lambda item: output.moment(item["revoked_at"])),
    ("last used", lambda item: output.moment(item["last_used_at"])),
    ("id", lambda item: item["id"]),
]


@app.command("list")
def list_keys(
    user: Annotated[str | None, typer.Option(help="Only those of this login or user id.")] = None,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """List keys, never their secrets."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        whose = one(api, f"{at}/users", "user", user, "login")["id"] if user else None
        listed(api.all(f"{at}/keys", user=whose), COLUMNS, "There is no key.", as_json=as_json)


@app.command("show")
def show(key: Id, tenant: Of = None, as_json: Json = False) -> None:
    """Show a key, never its secret."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.get(f"{within(api, tenant)}/keys/{key}"), FIELDS, as_json=as_json)


@app.command("create")
def create(
    user: Annotated[str, typer.Argument(metavar="LOGIN", help="Whose: a login or user id.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="An action that it may do; repeat it. All when left out.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model that it may use; repeat it. All when left out.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 2027-01-31T00:00:00Z. Never when left out.")
    ] = None,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Create a key; it is shown this once."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    body = {"name": name, "scopes": scope or None, "models": model or None, "expires_at": expires}
    with connect() as api:
        path = f"{within(api, tenant)}/users"
        found = one(api, path, "user", user, "login")
        shown(api.post(f"{path}/{found['id']}/keys", body), FIELDS, as_json=as_json)


@app.command("rotate")
def rotate(
    key: Id,
    hours: Annotated[int, typer.Option("--overlap-hours", min=0, help="How long the old key goes on.")] = 24,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Make a new key with the same limits, shown this once; the old one ends after the overlap."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/keys/{key}/rotate"
        shown(api.post(path, {"overlap_hours": hours}), FIELDS, as_json=as_json)


@app.command("revoke")
def revoke(key: Id, tenant: Of = None, as_json: Json = False) -> None:
    """Revoke a key: within two seconds it is not accepted any more."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.delete(f"{within(api, tenant)}/keys/{key}"), FIELDS, as_json=as_json)
