"""The last lines of an engine's log."""

import os
from pathlib import Path

from appliance.kit.layout import Layout
from appliance.serving.deployments import Member
from appliance.serving.launch import name

MOST = 2000
_BLOCK = 256 * 1024


def tail(layout: Layout, member: Member, lines: int) -> list[str]:
    """The last lines that a replica's engine wrote on this machine; none for one that runs elsewhere."""
    if member.address is not None:
        return []
    return last(layout.log(name(member.id)), lines)


def last(path: Path, lines: int) -> list[str]:
    """The last lines of a file, of its last quarter of a megabyte at most; none when there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _BLOCK, 0))
            told = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return (told[1:] if size > _BLOCK else told)[-lines:]
