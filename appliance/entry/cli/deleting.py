"""``appliance tenants delete``: a tenant's end in two steps, and the certificate of it, verified here and offline."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import PATH, Named, one
from appliance.kit.errors import BadRequest

FIELDS = ("tenant", "name", "state", "requested_at", "expires_at", "confirmed_at", "job")
COLUMNS: list[output.Column] = [
    ("kind", lambda item: item["kind"]),
    ("done", lambda item: item["count"]),
    ("digest", lambda item: item["digest"]),
]
Confirmed = Annotated[
    str | None, typer.Option("--confirm", help="The tenant's name, typed; asked for at a terminal when left out.")
]


def delete(name: Named, confirm: Confirmed = None, as_json: Json = False) -> None:
    """Delete a tenant with all that it has, for good. It is suspended at once; nothing leads back once confirmed."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        item = one(api, PATH, "tenant", name)
        path = f"{PATH}/{item['id']}/deletion"
        asked = api.post(path)
        typed = confirm if confirm is not None else _typed(item["name"])
        if typed != item["name"]:
            api.delete(path)
            raise BadRequest(f"that is not its name: '{item['name']}' is suspended, and not deleted")
        done = api.post(f"{path}/confirm", {"token": asked["token"], "name": typed})
    if as_json:
        output.document(done)
    else:
        output.say(f"The job {done['job']} deletes '{item['name']}'. Then: appliance tenants certificate {item['id']}")


def deletion(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.")],
    retry: Annotated[bool, typer.Option("--retry", help="Have a new job go on where a failed one stopped.")] = False,
    as_json: Json = False,
) -> None:
    """Show how far the deletion of a tenant is."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    path = f"{PATH}/{tenant}/deletion"
    with connect() as api:
        found = api.post(f"{path}/retry") if retry else api.get(path)
    if as_json:
        output.document(found)
        return
    output.fields(found, FIELDS)
    output.table(COLUMNS, _kinds(found["tally"]), "Nothing is deleted yet.")


def certificate(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.")],
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON anyway; errors too then.")] = False,
) -> None:
    """The signed certificate of a deletion, as it verifies."""
    from appliance.entry.cli.client import connect
    from appliance.kit.canonical import canonical

    output.wants_json(as_json)
    with connect() as api:
        found = canonical(api.get(f"{PATH}/{tenant}/deletion/certificate")).decode()
    if to is None:
        output.say(found)
    else:
        to.write_text(f"{found}\n", encoding="utf-8")


def verify_certificate(
    file: Annotated[Path, typer.Argument(help="The certificate.", exists=True, dir_okay=False)],
    key: Annotated[str | None, typer.Option(help="The public key (hex) that must have signed.")] = None,
    as_json: Json = False,
) -> None:
    """Verify a certificate's signature, here and offline, and show what it says. Compare the key with a kept one."""
    from appliance.tenants.certificate import signer_of, verified

    output.wants_json(as_json)
    raw = file.read_bytes()
    told: dict[str, Any] = {**verified(raw, key), "key": signer_of(raw)}
    if as_json:
        output.document(told)
        return
    output.fields({**told, "name": told["tenant"]["name"]}, ("name", "finished_at", "appliance", "key"))
    output.table(COLUMNS, _kinds(told["deleted"]), "Nothing was there to delete.")


def _kinds(tally: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"kind": kind, **counted} for kind, counted in tally.items()]


def _typed(name: str) -> str:
    """The name as somebody at a terminal types it; nobody there is no confirmation."""
    if not sys.stdin.isatty():
        return ""
    return str(typer.prompt(f"Everything of '{name}' will be gone. Type its name"))
