"""What becomes of one thing that a source shows: a pure function of what it is and what was taken of it before."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final
from uuid import UUID

from appliance.drivers.sources.port import Entry, Skip
from appliance.knowledge.parsing.formats import promised

HIDDEN: Final = Skip("hidden", "Its name is a hidden or a temporary file's.", how="drop")
UNSUPPORTED: Final = Skip("unsupported", "This kind of file is not read.", how="drop")
EXCLUDED: Final = Skip("excluded", "The patterns of the source leave it out.", how="drop")
TOO_LARGE: Final = Skip("file_too_large", "The file is larger than this appliance takes.")
EMPTY: Final = Skip("empty_file", "The file is empty.")
FORGOTTEN: Final = Skip("forgotten", "It was deleted here by hand, and is not brought back.")
_TEMPORARY: Final = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp", ".lock", "~")


class Act(StrEnum):
    """What a run does with one thing."""

    TAKEN = "taken"
    UPDATED = "updated"
    SHARED = "shared"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    WAITING = "waiting"
    FAILED = "failed"
    DELETED = "deleted"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Known:
    """What was taken of it before."""

    state: str
    token: str | None = None
    document: UUID | None = None
    readers: tuple[str, ...] | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a source leaves out."""

    include: Sequence[str]
    exclude: Sequence[str]
    largest: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why where it is not taken; ``told``: that was so the last time too, and nothing is to be done."""

    act: Act
    skip: Skip | None = None
    told: bool = False


def filtered(entry: Entry, rules: Rules) -> Skip | None:
    """Why it is left out, None if it is not."""
    if entry.skip is not None and entry.skip.how in ("skip", "drop"):
        return entry.skip
    return _by_name(entry.name, rules) or _by_size(entry.size, rules) or entry.skip


def _by_name(name: str, rules: Rules) -> Skip | None:
    if any(part.startswith((".", "~$")) or part.endswith(_TEMPORARY) for part in name.split("/")):
        return HIDDEN
    if rules.include and not any(fnmatchcase(name, pattern) for pattern in rules.include):
        return EXCLUDED
    if any(fnmatchcase(name, pattern) for pattern in rules.exclude):
        return EXCLUDED
    return UNSUPPORTED if promised(name) is None else None


def _by_size(size: int | None, rules: Rules) -> Skip | None:
    if size == 0:
        return EMPTY
    return TOO_LARGE if size is not None and size > rules.largest else None


def decide(entry: Entry, known: Known | None, readers: tuple[str, ...] | None, rules: Rules) -> Decision:
    """``readers``: the list that its document is to have, None for the collection's."""
    if known is not None and known.state == "forgotten":
        return Decision(Act.SKIPPED, FORGOTTEN, told=True)
    skip = filtered(entry, rules)
    if skip is not None:
        return _left_out(skip, known)
    if not _has(known):
        return Decision(Act.TAKEN)
    if known is None or known.token != entry.token or known.state != "taken":
        return Decision(Act.UPDATED)
    return Decision(Act.UNCHANGED if known.readers == readers else Act.SHARED)


def _has(known: Known | None) -> bool:
    return known is not None and known.document is not None and known.state != "gone"


def _left_out(skip: Skip, known: Known | None) -> Decision:
    if skip.how == "wait":
        return Decision(Act.WAITING, skip)
    if _has(known) and skip.how == "drop":
        return Decision(Act.DELETED, skip)
    act = Act.FAILED if skip.how == "fail" else Act.SKIPPED
    told = known is not None and (known.state, known.reason_code) == (act.value, skip.code)
    return Decision(act, skip, told)
