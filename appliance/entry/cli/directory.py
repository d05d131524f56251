"""``appliance directory``: the company's directory hands people and groups in."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, shown, within
from appliance.kit.errors import ApplianceError, Refused, Unavailable

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api

PATIENCE = 600.0
"""Seconds for a sync of another tenant's people."""


class NotSynced(Unavailable):
    """The sync of another tenant did not end in time."""

    code = "not_synced"
    advice = "See with 'appliance directory test' whether the directory answers; its administrator sees the job."


class NoSettings(Refused):
    """The file holds no settings."""

    code = "no_settings"
    advice = "Give a file with a JSON object; docs/operator/directory.md shows one."


app = typer.Typer(help="The company's directory: SCIM, OIDC, LDAP.", no_args_is_help=True)
Kind = Annotated[str, typer.Argument(metavar="KIND", help="oidc or ldap.")]
FIELDS = (
    "settings",
    "has_secret",
    "redirect_uri",
    "start_url",
    "synced_at",
    "changed_at",
    "issuer",
    "authorization_endpoint",
    "keys",
    "users",
    "groups",
    "unusable",
    "removed",
)
JOB = ("state", "result", "error", "advice", "id")
CHANGES: list[output.Column] = [
    ("what", lambda item: item["act"]),
    ("login", lambda item: item["login"]),
    ("detail", lambda item: item["detail"]),
]
SECRETS = {"oidc": "client_secret", "ldap": "bind_password"}
TOKEN = ("endpoint", "key", "name", "expires_at", "key_id")


@app.command("scim")
def scim(
    name: Annotated[str, typer.Option(help="Which directory uses it.")] = "SCIM",
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 2027-01-31T00:00:00Z. Never when left out.")
    ] = None,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Make a token for SCIM, shown this once, and tell the address to enter at the directory."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        made = api.post(f"{within(api, tenant)}/directory/scim/tokens", {"name": name, "expires_at": expires})
        shown({**made, "endpoint": f"{api.url}{made['path']}"}, TOKEN, as_json=as_json)


@app.command("set")
def set_up(
    kind: Kind,
    file: Annotated[Path, typer.Argument(help="JSON of the settings; docs/operator/directory.md shows one.")],
    secret: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the client secret or bind password from standard input.")
    ] = False,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Set a tenant's directory up, or replace its settings (operator)."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    body = _read(file)
    if secret:
        body[SECRETS.get(kind, "secret")] = sys.stdin.readline().rstrip("\n")
    with connect() as api:
        path = f"{within(api, tenant)}/directory/{kind}"
        shown(api.send("PUT", path, json=body, headers=_version(api, path)), FIELDS, as_json=as_json)


@app.command("show")
def show(kind: Kind, tenant: Of = None, as_json: Json = False) -> None:
    """Show how a tenant's directory is set up, never its secret."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.get(f"{within(api, tenant)}/directory/{kind}"), FIELDS, as_json=as_json)


@app.command("test")
def check(kind: Kind, tenant: Of = None, as_json: Json = False) -> None:
    """Ask the directory as a sign-in or a sync would, and change nothing."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        shown(api.post(f"{within(api, tenant)}/directory/{kind}/test", {}), FIELDS, as_json=as_json)


@app.command("preview")
def preview(tenant: Of = None, as_json: Json = False) -> None:
    """Tell what a sync of the LDAP directory would change; nothing is changed."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        found = api.post(f"{within(api, tenant)}/directory/ldap/preview", {}, patient=True)
    if as_json:
        output.document(found)
    else:
        output.table(CHANGES, found["items"], "Nothing would change.")


@app.command("sync")
def sync(
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it has ended.")] = True,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Bring the tenant's people to what its LDAP directory says: a job."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/directory/ldap"
        before = api.get(path)["synced_at"]
        asked = api.post(f"{path}/sync", {})
        job = _ended(api, path, asked["job"], before) if wait else {"id": asked["job"], "state": "queued"}
    shown(job, JOB, as_json=as_json)
    if job["state"] in ("failed", "cancelled"):
        raise typer.Exit(1)


def _ended(api: "Api", path: str, job: str, before: str | None) -> dict[str, object]:
    """The job, once its stream of events has ended; of another tenant's job only that the sync came to its end."""
    try:
        for _ in api.events("GET", f"/api/v1/jobs/{job}/events"):
            pass
        return dict(api.get(f"/api/v1/jobs/{job}"))
    except ApplianceError as error:
        if error.problem("")["code"] != "job_not_found":  # another tenant's are not shown
            raise
    deadline = time.monotonic() + PATIENCE
    while api.get(path)["synced_at"] == before:
        if time.monotonic() > deadline:
            raise NotSynced(f"The sync has not come to its end within {PATIENCE:.0f} s.")
        time.sleep(0.5)
    return {"id": job, "state": "succeeded"}


@app.command("remove")
def remove(
    kind: Kind,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Forget a tenant's directory (operator): nobody signs in by it any more; people and groups stay."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    if not yes:
        typer.confirm(f"Forget the {kind} directory?", abort=True, err=True)
    with connect() as api:
        api.delete(f"{within(api, tenant)}/directory/{kind}")
    shown({"removed": kind}, FIELDS, as_json=as_json)


def _read(file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoSettings(f"{file}: {error}") from error
    if not isinstance(found, dict):
        raise NoSettings(f"{file} holds no object")
    return found


def _version(api: "Api", path: str) -> dict[str, str]:
    """The ETag of the settings that are there; none the first time."""
    try:
        return {"if-match": f'"{api.get(path)["version"]}"'}
    except ApplianceError as error:
        if error.problem()["code"] != "directory_not_set_up":
            raise
        return {}
