"""``appliance invitations`` and ``appliance users invite``: people are asked in by a link that is good once."""

from typing import Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, listed, one, shown, within
from appliance.kit.errors import NotFound

app = typer.Typer(help="Invitations of a tenant: who was asked in and has not come yet.", no_args_is_help=True)
Of_whom = Annotated[str, typer.Argument(metavar="LOGIN", help="The invited login, or the invitation's id.")]
Days = Annotated[int, typer.Option(help="Days that the link is good, 30 at most.")]
FIELDS = ("login", "name", "role", "groups", "mail", "mail_state", "state", "created_at", "expires_at", "id")
COLUMNS: list[output.Column] = [
    ("login", lambda item: item["login"]),
    ("role", lambda item: item["role"]),
    ("state", lambda item: item["state"]),
    ("mail", lambda item: item["mail_state"]),
    ("good until", lambda item: output.moment(item["expires_at"])),
    ("id", lambda item: item["id"]),
]


def invite(  # noqa: PLR0917 - options are parameters
    login: Annotated[str, typer.Argument(help="What the person will sign in as; unique in the appliance.")],
    name: Annotated[str | None, typer.Option(help="The person's name; the login when left out.")] = None,
    role: Annotated[str, typer.Option(help="member, editor, tenant_admin, auditor or operator.")] = "member",
    group: Annotated[list[str] | None, typer.Option(help="A group's name or id; may be repeated.")] = None,
    mail: Annotated[str | None, typer.Option(help="Where the link is sent, if mail is set up.")] = None,
    days: Days = 7,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Ask a person in: prints the link, this once."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        at = within(api, tenant)
        groups = [one(api, f"{at}/groups", "group", each)["id"] for each in group or ()]
        body = {"login": login, "name": name, "role": role, "groups": groups, "mail": mail, "days": days}
        _told(api.post(f"{at}/invitations", body), as_json=as_json)


@app.command("list")
def list_invitations(
    state: Annotated[str | None, typer.Option(help="Only those: pending, accepted, revoked or expired.")] = None,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """List invitations."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        items = api.all(f"{within(api, tenant)}/invitations", state=state)
    listed(items, COLUMNS, "There is no such invitation.", as_json=as_json)


@app.command("show")
def show(login: Of_whom, tenant: Of = None, as_json: Json = False) -> None:
    """Show an invitation, never its link."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(_one(api, f"{within(api, tenant)}/invitations", login), FIELDS, as_json=as_json)


@app.command("revoke")
def revoke(login: Of_whom, tenant: Of = None, as_json: Json = False) -> None:
    """Let an invitation's link lead nowhere."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/invitations"
        revoked = api.send("DELETE", f"{path}/{_one(api, path, login)['id']}")
    shown(revoked, FIELDS, as_json=as_json)


@app.command("resend")
def resend(login: Of_whom, days: Days = 7, tenant: Of = None, as_json: Json = False) -> None:
    """Make a new link for the same person; the former one leads nowhere."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/invitations"
        _told(api.post(f"{path}/{_one(api, path, login)['id']}/resend", {"days": days}), as_json=as_json)


def _one(api: Any, path: str, login: str) -> dict[str, Any]:  # noqa: ANN401 - the client is imported when a verb runs
    """The newest invitation of this login, those that are still open first."""
    items: list[dict[str, Any]] = [item for item in api.all(path) if login in (item["login"], item["id"])]
    if not items:
        raise NotFound(f"There is no invitation of '{login}'.")
    return max(items, key=lambda item: (item["state"] == "pending", item["created_at"]))


def _told(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(made)
        return
    output.fields(made, FIELDS)
    output.say(f"The link, shown this once: {made['link']}")
    if made["mail"]:
        output.say(f"It is sent to {made['mail']}; 'appliance invitations show {made['login']}' tells what came of it.")
