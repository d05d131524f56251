"""A chain of twelve entries, tampered with in every way: each is named, with its place."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from appliance.audit.chain import GENESIS, Head, Link, Signer, follow
from appliance.audit.entry import Entry
from appliance.audit.verifying import Kind, Record, verify
from appliance.kit.canonical import digest_of

SIGNER = Signer("a secret of a test")
AT = "2026-11-24T00:00:00.000000+00:00"
Rows = list[Record]


def _entry(number: int) -> Entry:
    return {"id": f"entry-{number}", "action": f"act {number}", "details": {"count": number}}


def _chain(entries: Sequence[Entry], last: Link | None = None) -> Rows:
    made: Rows = []
    for one in entries:
        last = follow(last, str(one["id"]), digest_of(one), AT)
        made.append(Record(last, one))
    return made


def _head(rows: Rows, seq: int) -> Head:
    return SIGNER.head(seq, rows[seq - 1].link.hash, AT)


ROWS = _chain([_entry(number) for number in range(1, 13)])
HEADS = [_head(ROWS, 4), _head(ROWS, 12)]


def _renumbered(rows: Rows) -> Rows:
    return [replace(row, link=replace(row.link, seq=at)) for at, row in enumerate(rows, 1)]


def _edit(rows: Rows) -> Rows:
    rows[4] = replace(rows[4], entry={**_entry(5), "action": "another"})
    return rows


def _edit_and_digest(rows: Rows) -> Rows:
    entry = {**_entry(5), "action": "another"}
    rows[4] = Record(replace(rows[4].link, digest=digest_of(entry)), entry)
    return rows


def _edit_and_hash(rows: Rows) -> Rows:
    rows[4:5] = _chain([{**_entry(5), "action": "another"}], rows[3].link)
    return rows


def _edit_time(rows: Rows) -> Rows:
    rows[4] = replace(rows[4], link=replace(rows[4].link, at="2020-01-01"))
    return rows


def _remove_entry(rows: Rows) -> Rows:
    rows[4] = replace(rows[4], entry=None)
    return rows


def _remove(rows: Rows) -> Rows:
    return rows[:4] + rows[6:]


def _remove_first(rows: Rows) -> Rows:
    return rows[1:]


def _forged(rows: Rows) -> Record:
    return _chain([_entry(99)], rows[3].link)[0]


def _insert(rows: Rows) -> Rows:
    return [*rows[:4], _forged(rows), *rows[4:]]


def _swap(rows: Rows) -> Rows:
    rows[4], rows[7] = rows[7], rows[4]
    return rows


def _swap_entries(rows: Rows) -> Rows:
    rows[4], rows[7] = replace(rows[4], entry=rows[7].entry), replace(rows[7], entry=rows[4].entry)
    return rows


def _say_otherwise(rows: Rows) -> Rows:
    rows[4] = replace(rows[4], faithful=False)
    return rows


def _rewrite(rows: Rows) -> Rows:
    return rows[:4] + _chain([_entry(number) for number in (50, *range(6, 13))], rows[3].link)


CASES: list[tuple[Callable[[Rows], Rows], Kind, int]] = [
    (_edit, Kind.EDIT, 5),
    (_edit_and_digest, Kind.EDIT, 5),
    (_edit_and_hash, Kind.EDIT, 5),
    (_edit_time, Kind.EDIT, 5),
    (_say_otherwise, Kind.EDIT, 5),
    (_remove_entry, Kind.DELETION, 5),
    (_remove, Kind.DELETION, 5),
    (lambda rows: _renumbered(_remove(rows)), Kind.DELETION, 5),
    (_remove_first, Kind.DELETION, 1),
    (_insert, Kind.INSERTION, 5),
    (lambda rows: _renumbered(_insert(rows)), Kind.INSERTION, 5),
    (_swap, Kind.REORDER, 5),
    (lambda rows: _renumbered(_swap(rows)), Kind.REORDER, 5),
    (_swap_entries, Kind.REORDER, 5),
    (lambda rows: rows[:9], Kind.CUT, 10),
    (lambda _: [], Kind.CUT, 1),
    (_rewrite, Kind.REWRITE, 12),
]


@pytest.mark.parametrize(("tamper", "kind", "seq"), CASES)
def test_the_first_break_is_named(tamper: Callable[[Rows], Rows], kind: Kind, seq: int) -> None:
    broken = verify(tamper(list(ROWS)), HEADS).broken
    assert broken is not None
    assert (broken.kind, broken.seq) == (kind, seq), broken.detail


def test_a_whole_chain_holds() -> None:
    verdict = verify(ROWS, HEADS)
    assert (verdict.first, verdict.last, verdict.hash, verdict.heads) == (1, 12, ROWS[-1].link.hash, 2)
    assert verdict.broken is None
    assert verify([]).hash == GENESIS


def test_a_part_holds_by_itself_and_only_when_a_part_was_asked_for() -> None:
    part = ROWS[6:]
    assert verify(part, HEADS, partial=True).broken is None
    assert verify(part, HEADS, partial=True).first == 7
    broken = verify(_renumbered(part), partial=True).broken
    assert broken
    assert broken.kind is Kind.DELETION


@pytest.mark.parametrize("at", range(12))
@pytest.mark.parametrize("field", ["seq", "entry", "digest", "previous", "hash", "at"])
def test_no_field_of_any_link_can_change(at: int, field: str) -> None:
    rows = list(ROWS)
    link = rows[at].link
    values: dict[str, Any] = {field: link.seq + 2 if field == "seq" else "f" * 64}
    changed = replace(link, **values)
    rows[at] = replace(rows[at], link=changed)
    assert verify(rows).broken is not None


@pytest.mark.parametrize("field", ["seq", "hash", "time", "appliance", "key", "signature"])
def test_no_field_of_a_head_can_change(field: str) -> None:
    values: dict[str, Any] = {field: 3 if field == "seq" else "ab" * 32}
    changed = replace(HEADS[0], **values)
    broken = verify(ROWS, [changed]).broken
    assert broken
    assert broken.kind is Kind.FORGED_HEAD


def test_another_key_is_another_appliance() -> None:
    other = Signer("another secret").head(12, ROWS[-1].link.hash, AT)
    assert other.signed()
    assert not replace(other, appliance=HEADS[0].appliance).signed()


def test_a_head_survives_its_document() -> None:
    assert Head.of(HEADS[0].document()) == HEADS[0]
    for broken in ({}, {**HEADS[0].document(), "seq": "4"}):
        with pytest.raises((KeyError, TypeError)):
            Head.of(broken)
