"""``appliance login`` and ``appliance sign-in reset``: from a password or a one-time sign-in to a key, and back in."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.finding import NoApplianceKnown, Places, Target, address, keep
from appliance.entry.cli.local import Data, of
from appliance.entry.cli.output import Json

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

app = typer.Typer(help="One-time sign-ins.", no_args_is_help=True)
OPERATOR = "operator"
NEW_PASSWORD = "New password (12 characters or more; empty: none)"  # noqa: S105 - a question, not a password


def login(
    url: Annotated[str | None, typer.Argument(help="The appliance's address (else the one that is known).")] = None,
    name: Annotated[str | None, typer.Option("--login", help="Your login; asked for when left out.")] = None,
    token: Annotated[str | None, typer.Option(help="A one-time sign-in, instead of login and password.")] = None,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    code: Annotated[str | None, typer.Option(help="A one-time code; asked for where one is needed.")] = None,
    as_json: Json = False,
) -> None:
    """Sign in and keep a key for this machine's command line, readable by you alone."""
    from appliance.entry.cli.client import Api

    output.wants_json(as_json)
    places = Places.here()
    at = (url or address(places) or "").rstrip("/")
    if not at:
        raise NoApplianceKnown("No address was given.")
    given = sys.stdin.readline().rstrip("\n") if password_stdin else None
    body = credentials(name, token, given, may_ask=sys.stdin.isatty())
    with Api(Target(at, "")) as api:
        told = entered(api, body | ({"code": code} if code else {}), _code if sys.stdin.isatty() else None)
    keep(places, Target(at, told["key"]))
    who = {field: value for field, value in told.items() if field != "key"}
    if as_json:
        output.document({"url": at, "kept_in": str(places.logins), **who})
    else:
        output.say(f"Signed in at {at} as {who.get('login')} ({who.get('role')}); the key is in {places.logins}.")


def entered(api: "Api", body: dict[str, str], ask: Callable[[], str] | None) -> dict[str, Any]:
    """The answer to a sign-in. A one-time code is asked for when that turns out to be needed, if ``ask`` can."""
    from appliance.entry.cli.client import Refusal

    try:
        told: dict[str, Any] = api.post("/api/v1/login", body)
    except Refusal as refusal:
        if refusal.document["code"] != "code_needed" or "code" in body or ask is None:
            raise
        told = api.post("/api/v1/login", {**body, "code": ask()})
    return told


def _code() -> str:
    return _asked("One-time code", empty=False)


def credentials(name: str | None, token: str | None, given: str | None, *, may_ask: bool) -> dict[str, str]:
    """What to send. What was not given is asked for, where there is somebody; a password never stands in a command."""
    if token is not None:
        chosen = given if given is not None or not may_ask else _asked(NEW_PASSWORD, empty=True)
        return {"token": token} | ({"password": chosen} if chosen else {})
    login_name = name or str(typer.prompt("Login", err=True))
    return {"login": login_name, "password": given if given is not None else _asked("Password", empty=False)}


def _asked(prompt: str, *, empty: bool) -> str:
    return str(typer.prompt(prompt, hide_input=True, err=True, default="" if empty else None, show_default=False))


@app.command("reset")
def reset(
    name: Annotated[str, typer.Argument(metavar="LOGIN", help="Whose.")] = OPERATOR,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a new one-time sign-in, on the appliance's own machine, when nobody can sign in any more."""
    output.wants_json(as_json)
    layout = of(data)
    url, token = issue(layout.data, name)
    if as_json:
        output.document({"login": name, "token": token, "url": url})
    else:
        output.say(f"Sign in once at {url} as '{name}' with: {token}")
        output.say(f"On a command line: appliance login {url} --token {token}")


def issue(data: Path, name: str) -> tuple[str, str]:
    """The address of the appliance that runs on ``data`` and a new sign-in, straight from its database."""
    from appliance.entry import up_record
    from appliance.kit.database import Database
    from appliance.kit.layout import Layout
    from appliance.kit.settings import Settings
    from appliance.tenants import bootstrap

    record = up_record.read(Layout(data))
    database = Database.of(Settings(data=data), "operator")
    try:
        with database.session() as session:
            return record.url, bootstrap.reset_sign_in(session, name)
    finally:
        database.close()
