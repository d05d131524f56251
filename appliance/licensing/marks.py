"""The mark that is kept beside the database, so that a database put back to an older state is noticed.

``looks`` counts the looks at the clock: a database that knows of fewer than this file was put back. (The mark itself
will not do, since an operator's acceptance may lower it.) The file never holds more than what was committed, so an act
that fails leaves no trace here. A restore writes a marker, signed with this appliance's own secret and good for exactly
the mark that it found.

The newest list of revocations is kept here too: a database put back to one of before, with a restore's marker or
without, brings no revoked licence back. It is the vendor's word whoever put it here, since it is signed.
"""

import hmac
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from appliance.kit import crypto
from appliance.kit.canonical import canonical

_MARK = "mark.json"
_RESTORED = "restored.json"
_REVOCATIONS = "revocations.json"
_NUMBERS = ("first_start", "mark", "looks")
_PURPOSE = "appliance-restore-v1"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds: times in seconds since 1970, the mark, and how many looks there had been."""

    appliance_id: str
    first_start: int
    mark: int
    looks: int


def read(directory: Path) -> Kept | None:
    """What was kept, None for nothing that can be read."""
    try:
        found = json.loads((directory / _MARK).read_text())
        return Kept(str(UUID(found["appliance_id"])), *(int(found[name]) for name in _NUMBERS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep(directory: Path, kept: Kept) -> None:
    """Write what is to be kept, whole or not at all."""
    directory.mkdir(mode=0o700, exist_ok=True)
    crypto.write_private(directory / _MARK, canonical(asdict(kept)).decode())


def revocations(directory: Path) -> bytes | None:
    """The list of revocations that is kept here, not yet verified; None for nothing that can be read."""
    try:
        return (directory / _REVOCATIONS).read_bytes()
    except OSError:
        return None


def keep_revocations(directory: Path, raw: str) -> None:
    """Keep a list that was verified."""
    crypto.write_private(directory / _REVOCATIONS, raw)


def write_restored(directory: Path, secret: Path) -> None:
    """What a restore leaves, after it put the database back and before anything starts."""
    kept = read(directory)
    if kept is not None:
        crypto.write_private(directory / _RESTORED, json.dumps({"looks": kept.looks, "mac": _mac(secret, kept)}))


def was_restored(directory: Path, secret: Path, kept: Kept) -> bool:
    """Whether a restore's marker stands beside this mark."""
    try:
        found = json.loads((directory / _RESTORED).read_text())
        return bool(found["looks"] == kept.looks and hmac.compare_digest(found["mac"], _mac(secret, kept)))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _mac(secret: Path, kept: Kept) -> str:
    return crypto.keyed(crypto.kept(secret).encode(), _PURPOSE, canonical(asdict(kept)))
