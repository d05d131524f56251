"""``appliance tenants export``: all that a tenant has, as one archive on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.entry.cli import jobs, output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, within
from appliance.kit.errors import Refused

if TYPE_CHECKING:
    from appliance.entry.cli.client import Api


class ArrivedDamaged(Refused):
    """The file that arrived is not the one that was written."""

    code = "arrived_damaged"
    advice = "Run the command again."


def export(
    to: Annotated[Path, typer.Option("--output", "-o", help="Write the archive (zip) to this file.")],
    tenant: Of = None,
    as_json: Json = False,
) -> None:
    """Export a tenant: with documents and conversations for its administrators, without for an operator."""
    from appliance.entry.cli.client import connect

    output.wants_json(as_json)
    with connect() as api:
        path = f"{within(api, tenant)}/exports"
        asked = api.post(path)
        jobs.ended(api, asked["job"])
        done = api.get(f"{path}/{asked['id']}")
        part = to.with_name(f".{to.name}.part")
        fetch(api, f"{path}/{asked['id']}/archive", part, done["sha256"])
        part.replace(to)
    if as_json:
        output.document({**done, "file": str(to)})
    else:
        what = "with" if done["content"] else "without"
        output.say(f"Wrote {to}: {output.size(done['bytes'])}, {what} documents and conversations.")


def fetch(api: "Api", path: str, file: Path, sha256: str) -> None:
    """Download what has this digest. Raises ArrivedDamaged; nothing is left then."""
    arrived = None
    try:
        arrived = api.download(path, file)
    finally:
        if arrived != sha256:
            file.unlink(missing_ok=True)
    if arrived != sha256:
        raise ArrivedDamaged
