"""``appliance licence``: what is in force and a new file through the API; issuing and inspecting here, offline."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json
from appliance.kit.errors import BadRequest

if TYPE_CHECKING:
    from appliance.licensing.licence import Licence

app = typer.Typer(help="The vendor's licence: show, install, inspect, issue.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The signed file.", exists=True, dir_okay=False)]
FIELDS = ("state", "until", "reason", "customer", "expires", "limits", "features", "fingerprint", "appliance_id")


@app.command("show")
def show(as_json: Json = False) -> None:
    """Show the licence's state, what it allows, and the fingerprint to send to the vendor."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(api.get("/api/v1/licence"), as_json=as_json)


@app.command("install")
def install(
    file: File,
    revocations: Annotated[bool, typer.Option("--revocations", help="It is a list of revocations.")] = False,
    as_json: Json = False,
) -> None:
    """Have a licence verified and put into force; the one before stays when it is not accepted."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = "/api/v1/licence/revocations" if revocations else "/api/v1/licence"
        _told(api.post(path, {"file": _text(file)}), as_json=as_json)


@app.command("accept-clock")
def accept_clock(as_json: Json = False) -> None:
    """Believe the machine's clock as it is now, after it was suspect. It is recorded who did."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        _told(api.post("/api/v1/licence/clock/accept"), as_json=as_json)


@app.command("inspect")
def inspect(
    file: File,
    root: Annotated[Path | None, typer.Option(help="Root public key (PEM); the vendor's own when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Verify a licence file's form and signatures, here and offline, and show what it says."""
    from appliance.licensing.licence import read_licence
    from appliance.licensing.signing import root_keys

    output.wants_json(as_json)
    told = _terms(read_licence(file.read_bytes(), root_keys(root)))
    if as_json:
        output.document(told)
    else:
        output.fields(told, list(told))


@app.command("issue")
def issue(
    terms: Annotated[Path, typer.Argument(help="What it shall say: JSON of every member but 'key'.", exists=True)],
    key: Annotated[Path, typer.Option(help="The vendor's Ed25519 private key (PEM).")],
    out: Annotated[Path, typer.Option(help="Where to write the signed file; nothing is overwritten.")],
    chain: Annotated[Path | None, typer.Option(help="JSON list of links from the root to this key.")] = None,
    as_json: Json = False,
) -> None:
    """Sign a licence (the vendor's tool)."""
    from appliance.licensing.licence import read_licence
    from appliance.licensing.signing import Keys, Purpose, private_key, signed

    output.wants_json(as_json)
    signing = private_key(key)
    payload = _json(terms, dict)
    try:
        bare = signed(Purpose.LICENCE, payload, signing)
        raw = signed(Purpose.LICENCE, payload, signing, _json(chain, list) if chain else [])
    except TypeError as error:
        raise BadRequest(f"{terms.name} cannot be signed: {error}") from error
    told = _terms(read_licence(bare, Keys(signing.public_key())))
    try:
        with out.open("xb") as stream:
            stream.write(raw)
    except OSError as error:
        raise BadRequest(f"{out.name} cannot be written: {error.strerror}") from error
    if as_json:
        output.document({"file": str(out), **told})
    else:
        output.say(f"Wrote {out}: {told['customer']}, until {told['expires']}.")


def _told(item: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(item)
        return
    licence = item.get("licence") or {}
    output.fields({**item, "customer": licence.get("customer"), "expires": licence.get("expires")}, FIELDS)
    if suspicion := item["clock"]["suspicion"]:
        output.say(f"The clock is suspect ({suspicion}): licence changes are on hold. See 'licence accept-clock'.")


def _terms(licence: "Licence") -> dict[str, Any]:
    from appliance.licensing.strict import moment

    told = asdict(licence)
    return told | {name: moment(told[name]) for name in ("issued_at", "not_before", "expires")}


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file.name} is no text, so it is no signed file") from error


def _json(file: Path, kind: type) -> Any:  # noqa: ANN401 - JSON of many shapes, checked when it is read back
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadRequest(f"{file.name} is no JSON") from error
    if not isinstance(found, kind):
        raise BadRequest(f"{file.name} holds no {'object' if kind is dict else 'list'}")
    return found
