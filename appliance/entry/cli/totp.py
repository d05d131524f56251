"""``appliance totp``: one-time codes beside the password."""

import sys
from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, one, shown, within

app = typer.Typer(help="One-time codes beside your password (TOTP).", no_args_is_help=True)
MINE = "/api/v1/me/totp"
FIELDS = ("enrolled", "recovery_codes_left")
Code = Annotated[str, typer.Argument(help="The code that your app shows now.")]


@app.command("show")
def show(as_json: Json = False) -> None:
    """Show whether you sign in with one-time codes."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.get(MINE), FIELDS, as_json=as_json)


@app.command("enrol")
def enrol(as_json: Json = False) -> None:
    """Get a secret for your app and recovery codes, shown this once; then 'appliance totp confirm'."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        told = api.send("PUT", MINE)
    if as_json:
        output.document(told)
        return
    output.say(f"Secret for your app: {told['secret']}")
    output.say(f"The same as a QR code holds it: {told['uri']}")
    output.say("Recovery codes, each good for one sign-in without the app; keep them safe:")
    for code in told["recovery_codes"]:
        output.say(f"  {code}")
    output.say("Then show that the app is set up: appliance totp confirm CODE")


@app.command("confirm")
def confirm(code: Code, as_json: Json = False) -> None:
    """Put the codes in force by a first one; your other sessions end."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.post(f"{MINE}/confirm", {"code": code}), FIELDS, as_json=as_json)


@app.command("disable")
def disable(
    code: Annotated[str, typer.Argument(help="The code that your app shows now, or a recovery code.")],
    as_json: Json = False,
) -> None:
    """Ask for no more codes; the password is read from standard input or asked for."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        api.send("POST", f"{MINE}/disable", json={"password": _typed(), "code": code})
    _gone("You sign in with your password alone.", as_json=as_json)


@app.command("reset")
def reset(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="The user's login or id.")],
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Take away the codes of a user who lost the app (administrators); the user's sessions end."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/users"
        api.send("DELETE", f"{path}/{one(api, path, 'user', login, 'login')['id']}/totp")
    _gone(f"'{login}' signs in with the password alone.", as_json=as_json)


def _gone(told: str, *, as_json: bool) -> None:
    if as_json:
        output.document({"enrolled": False})
    else:
        output.say(told)


def _typed() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\n")
