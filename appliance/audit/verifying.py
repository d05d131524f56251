"""Walks a chain and names its first break. Pure: rows come from the database or from an export, in their order.

A break is told by what somebody did, as far as the rows tell it: after the first row that does not fit, up to LOOK rows
more are read to see whether what is missing stands elsewhere (reorder) or nowhere (deletion). Who rewrites all that
follows as well leaves a chain that fits; then the signed heads do not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from appliance.audit.chain import GENESIS, Head, Link
from appliance.audit.entry import Entry
from appliance.kit.canonical import digest_of

LOOK = 10_000
MOVED = 1_000
"""How far a renumbered row is looked for from the place that its hash names."""


class Kind(StrEnum):
    """What was done to the record."""

    DELETION = "deletion"
    INSERTION = "insertion"
    EDIT = "edit"
    REORDER = "reorder"
    CUT = "cut"
    REWRITE = "rewrite"
    FORGED_HEAD = "forged_head"


@dataclass(frozen=True, slots=True)
class Break:
    """The first thing that is wrong: at which place of the chain, of which entry, and what."""

    kind: Kind
    seq: int
    entry: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Record:
    """A link with its entry, None where there is none. ``faithful``: what is shown of it is what is chained."""

    link: Link
    entry: Entry | None
    faithful: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the chain holds. ``first`` is 1 unless only a part was looked at."""

    first: int
    last: int
    hash: str
    heads: int
    broken: Break | None


@dataclass(slots=True)
class _Walk:
    """Where the walk stands: the last link that fitted and the hash before it."""

    last: Link | None = None
    before: str = GENESIS
    first: int = 0
    seen: dict[int, str] = field(default_factory=dict)

    @property
    def expected(self) -> int:
        return self.last.seq + 1 if self.last else 1

    @property
    def hash(self) -> str:
        return self.last.hash if self.last else GENESIS

    def take(self, link: Link) -> None:
        self.before = self.hash if self.last else link.previous
        self.last = link
        self.first = self.first or link.seq


def verify(records: Iterable[Record], heads: Sequence[Head] = (), *, partial: bool = False) -> Verdict:
    """Walk the chain. ``heads``: all that are known, also from elsewhere. ``partial``: it may begin after 1."""
    wanted = {head.seq for head in heads}
    walk, rows = _Walk(), iter(records)
    broken = None
    for record in rows:
        if walk.last is None and partial:
            walk.before = record.link.previous
            walk.last = Link(record.link.seq - 1, "", "", "", record.link.previous, "")
        broken = _misfit(walk, record, rows)
        if broken:
            break
        walk.take(record.link)
        if record.link.seq in wanted:
            walk.seen[record.link.seq] = record.link.hash
    broken = broken or next(_against(walk, heads), None)
    return Verdict(walk.first, walk.last.seq if walk.last else 0, walk.hash, len(walk.seen), broken)


def _misfit(walk: _Walk, record: Record, rows: Iterator[Record]) -> Break | None:
    link, entry = record.link, record.entry
    if link.seq != walk.expected or link.previous != walk.hash or link.hash != link.hash_at(link.seq):
        return _structure(walk, record, list(islice(rows, LOOK)))
    if entry is None:
        return Break(Kind.DELETION, link.seq, link.entry, "the entry is gone, its place in the chain is not")
    digest = digest_of(entry)
    if digest != link.digest or entry.get("id") != link.entry:
        if any(other.link.digest == digest for other in islice(rows, LOOK)):
            return Break(Kind.REORDER, link.seq, link.entry, "the entry of a later place stands here")
        return Break(Kind.EDIT, link.seq, link.entry, "the entry is not the one that was chained")
    if not record.faithful:
        return Break(Kind.EDIT, link.seq, link.entry, "the event does not say what its entry says")
    return None


def _structure(walk: _Walk, record: Record, rest: Sequence[Record]) -> Break:
    link, expected = record.link, walk.expected
    made = _made_for(link)
    if made is None:
        return Break(Kind.EDIT, link.seq, link.entry, "the link's hash is not that of what it holds")
    if made > expected:
        return _missing(expected, made, rest)
    if walk.last and made < expected:
        return Break(Kind.INSERTION, walk.last.seq, walk.last.entry, f"before what was chained as number {made}")
    if walk.last and link.previous == walk.before:
        return Break(Kind.INSERTION, walk.last.seq, walk.last.entry, "the next link follows the one before it")
    if walk.last and walk.last.entry:
        return Break(Kind.EDIT, walk.last.seq, walk.last.entry, "the next link follows another")
    return Break(Kind.DELETION, expected, link.entry, "the first link does not begin a chain")


def _missing(expected: int, made: int, rest: Sequence[Record]) -> Break:
    later = next((other.link for other in rest if _made_for(other.link) == expected), None)
    if later:
        return Break(Kind.REORDER, expected, later.entry, f"it stands after number {made}")
    return Break(Kind.DELETION, expected, None, f"nothing stands between numbers {expected - 1} and {made}")


def _made_for(link: Link) -> int | None:
    """The number that the hash was made for: its own, or one near it when rows were renumbered."""
    if link.hash_at(link.seq) == link.hash:
        return link.seq
    near = (link.seq + sign * away for away in range(1, MOVED + 1) for sign in (1, -1))
    return next((seq for seq in near if link.hash_at(seq) == link.hash), None)


def _against(walk: _Walk, heads: Sequence[Head]) -> Iterator[Break]:
    end = walk.last.seq if walk.last else 0
    for head in sorted(heads, key=lambda one: one.seq):
        if not head.signed():
            yield Break(Kind.FORGED_HEAD, head.seq, None, "the signature of this head does not hold")
        elif head.seq > end:
            yield Break(Kind.CUT, end + 1, None, f"a head signed {head.time} says that there were {head.seq}")
        elif head.seq >= walk.first and walk.seen.get(head.seq) != head.hash:
            yield Break(Kind.REWRITE, head.seq, None, f"the chain is not the one that was signed {head.time}")
