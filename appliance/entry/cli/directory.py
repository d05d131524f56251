"""``appliance directory``: the company's directory hands people and groups in."""

from typing import Annotated

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, shown, within

app = typer.Typer(help="The company's directory: SCIM, OIDC, LDAP.", no_args_is_help=True)
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
