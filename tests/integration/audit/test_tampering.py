"""Somebody with all rights on the database changes the record: verify names the first break, here and offline."""

import pytest
from sqlalchemy import text

from appliance.audit import ocsf, repository
from appliance.audit.chain import follow
from appliance.audit.entry import entry
from appliance.audit.verifying import Kind, verify
from appliance.kit.canonical import digest_of
from tests.integration.audit.conftest import MANY, Break_in, Kept

SHIFT = "update audit_chain set seq = seq + 1000 where seq > 6; update audit_chain set seq = seq - {} where seq > 1000"
UP, DOWN = SHIFT.format(999), SHIFT.format(1001)
SWAP = "update audit_chain set seq = 65 - seq where seq in (7, 8); update audit_chain set seq = seq - 50 where seq > 50"
PLACES = {
    "ENTRY": "(select entry_id from audit_chain where seq = 7)",
    "DOWN": DOWN,
    "FORGED": "(id, tenant_id, action, outcome) select gen_random_uuid(), id, 'x', 'done' from tenants limit 1",
}
"""What the statements below are filled with."""

CASES = [
    ("delete from audit_entries where id = ENTRY", Kind.DELETION, 7),
    ("delete from audit_entries where id = ENTRY; delete from audit_chain where seq = 7", Kind.DELETION, 7),
    ("delete from audit_chain where seq = 7; DOWN", Kind.DELETION, 7),
    ("delete from audit_chain where seq < 3", Kind.DELETION, 1),
    ("insert into audit_entries FORGED", Kind.INSERTION, MANY + 1),
    ("update audit_entries set actor = gen_random_uuid() where id = ENTRY", Kind.EDIT, 7),
    ("update audit_entries set created_at = created_at - interval '1 s' where id = ENTRY", Kind.EDIT, 7),
    ("""update audit_entries set details = '{"count": 5.5}' where id = ENTRY""", Kind.EDIT, 7),
    ("update audit_chain set entry_digest = previous where seq = 7", Kind.EDIT, 7),
    (SWAP, Kind.REORDER, 7),
    ("delete from audit_chain where seq > 15", Kind.CUT, 16),
    ("delete from audit_chain; delete from audit_entries", Kind.CUT, 1),
    ("update audit_heads set seq = 19 where seq = 20", Kind.FORGED_HEAD, 19),
]


@pytest.mark.parametrize(("statement", "kind", "seq"), CASES)
def test_the_break_is_named(kept: Kept, break_in: Break_in, statement: str, kind: Kind, seq: int) -> None:
    assert kept.reading.verify().broken is None
    for place, meant in PLACES.items():
        statement = statement.replace(place, meant)
    break_in(statement)
    broken = kept.reading.verify().broken
    assert broken is not None
    assert (broken.kind, broken.seq) == (kind, seq), broken.detail


def test_a_link_of_an_own_making_shows_by_the_one_behind_it(kept: Kept, break_in: Break_in) -> None:
    with kept.databases.operator.session() as session:
        before = repository.records(session, 5, 1)[0].link
    break_in("insert into audit_entries " + PLACES["FORGED"])
    with kept.databases.operator.session() as session:
        row = dict(session.execute(text("select * from audit_entries where action = 'x'")).mappings().one())
    forged = follow(before, str(row["id"]), digest_of(entry(row)), before.at)
    break_in(UP)
    with kept.databases.system.session() as session:
        repository.chain(session, [forged])
    broken = kept.reading.verify().broken
    assert broken
    assert (broken.kind, broken.seq, broken.entry) == (Kind.INSERTION, 7, forged.entry)


def test_a_cut_that_takes_the_heads_along_shows_against_a_head_that_was_kept(kept: Kept, break_in: Break_in) -> None:
    exported = kept.head()
    break_in("delete from audit_entries where id in (select entry_id from audit_chain where seq > 15)")
    break_in("delete from audit_chain where seq > 15; delete from audit_heads")
    assert kept.reading.verify().broken is None
    broken = kept.reading.verify((exported,)).broken
    assert broken
    assert (broken.kind, broken.seq) == (Kind.CUT, 16)


def test_an_entry_taken_away_before_it_was_chained_is_missed(kept: Kept, break_in: Break_in) -> None:
    kept.write(1, "late")
    break_in("delete from audit_entries where action = 'late'")
    kept.sequencer.once()
    broken = kept.reading.verify().broken
    assert broken
    assert broken.kind is Kind.DELETION


def test_an_export_proves_itself_and_every_change_of_a_line_shows(kept: Kept) -> None:
    lines = list(kept.reading.export(None, None))
    heads = ocsf.heads_in(lines)
    assert len(lines) == MANY + 1
    assert verify(ocsf.records_in(lines), heads).broken is None
    for changed, kind, seq in (
        ([*lines[:6], *lines[7:]], Kind.DELETION, 7),
        ([*lines[:6], lines[7], lines[6], *lines[8:]], Kind.REORDER, 7),
        ([*lines[:7], lines[6], *lines[7:]], Kind.INSERTION, 7),
        ([*lines[:6], lines[6].replace('"act"', '"axt"'), *lines[7:]], Kind.EDIT, 7),
        ([*lines[:6], lines[6].replace('"status_id":1', '"status_id":2'), *lines[7:]], Kind.EDIT, 7),
        (lines[:15] + lines[MANY:], Kind.CUT, 16),
    ):
        broken = verify(ocsf.records_in(changed), heads).broken
        assert broken
        assert (broken.kind, broken.seq) == (kind, seq)
