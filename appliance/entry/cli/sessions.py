"""``appliance sessions``: where people are signed in with a browser."""

from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, listed, one, within
from appliance.kit.errors import BadRequest

app = typer.Typer(help="Sessions of browsers: your own, or a tenant's.", no_args_is_help=True)
MINE = "/api/v1/me/sessions"
Everybody = Annotated[bool, typer.Option("--all", help="Of everybody in the tenant, not your own.")]
User = Annotated[str | None, typer.Option("--user", help="Of this user: a login or an id.")]
COLUMNS: list[output.Column] = [
    ("device", lambda item: item["device"]),
    ("source", lambda item: item["source"]),
    ("how", lambda item: item["how"]),
    ("seen", lambda item: output.moment(item["seen_at"])),
    ("ends", lambda item: output.moment(item["ends_at"])),
    ("user", lambda item: item["user_id"]),
    ("id", lambda item: item["id"]),
]


@app.command("list")
def list_sessions(user: User = None, everybody: Everybody = False, tenant: Of = None, as_json: Json = False) -> None:
    """List sessions that may be used now."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        if user is None and not everybody and tenant is None:
            items = api.all(MINE)
        else:
            there = within(api, tenant)
            whose = None if user is None else one(api, f"{there}/users", "user", user, "login")["id"]
            items = api.all(f"{there}/sessions", user=whose)
    listed(items, COLUMNS, "There is no session.", as_json=as_json)


@app.command("revoke")
def revoke(
    session: Annotated[str | None, typer.Argument(help="The session's id; or say --user.")] = None,
    user: User = None,
    own: Annotated[bool, typer.Option("--own", help="One of your own.")] = False,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """End a session, or all of a user: within two seconds it is not accepted any more."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    if (session is None) == (user is None) or (own and session is None):
        raise BadRequest("Name a session, or a user whose sessions all end.")
    with connect() as api:
        if own:
            ended = api.send("DELETE", f"{MINE}/{session}")
        else:
            there = within(api, tenant)
            of_user = user and one(api, f"{there}/users", "user", user, "login")["id"]
            ended = api.send("DELETE", f"{there}/users/{of_user}/sessions" if user else f"{there}/sessions/{session}")
    if as_json:
        output.document(ended)
    else:
        output.say("It is ended." if session else f"Ended: {ended['ended']}.")
