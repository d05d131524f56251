"""``appliance tenants export``: all that a tenant has, as one archive on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from appliance.entry.cli import jobs, output
from appliance.entry.cli.output import Json
from appliance.entry.cli.tenants import Of, within
from appliance.kit.errors import Refused


class ArrivedDamaged(Refused):
    """The archive that arrived is not the one that was written."""

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
        if api.download(f"{path}/{asked['id']}/archive", part) != done["sha256"]:
            part.unlink()
            raise ArrivedDamaged
        part.replace(to)
    if as_json:
        output.document({**done, "file": str(to)})
    else:
        what = "with" if done["content"] else "without"
        output.say(f"Wrote {to}: {output.size(done['bytes'])}, {what} documents and conversations.")
