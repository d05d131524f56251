"""The outbox over a real PostgreSQL, applied to the double of the index."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from appliance.access.web import Databases
from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import Scope
from appliance.kit.ids import uuid7
from appliance.knowledge import lists, marks, outbox
from appliance.knowledge.projection import Projection, newest
from appliance.knowledge.reconcile import Behind, Reconciler
from appliance.knowledge.tables import ChunkRow, DocumentRow, IndexOutboxRow
from tests.factories.corpus import Library
from tests.factories.points import Corpus

EVERYONE = frozenset({"everyone"})


@dataclass
class Case:
    databases: Databases
    vectors: MemoryVectors
    library: Library
    projection: Projection
    position: int = 0

    def project(self, *, flips: bool = True) -> int:
        """Apply all there is; how many points were changed."""
        changed = 0
        while (step := self.projection.apply(self.position, flips=flips)).seq != self.position:
            self.position, changed = step.seq, changed + step.points
        return changed

    def points(self) -> set[UUID]:
        return set(self.vectors.ids(self.library.tenant, None, 10_000))

    def statistics(self) -> dict[int, int]:
        with self.databases.app.session(self.library.tenant) as session:
            rows = session.execute(text("select term, chunks from term_statistics"))
            return {row.term: row.chunks for row in rows}


@pytest.fixture
def case(databases: Databases) -> Case:
    vectors = MemoryVectors(8)
    return Case(databases, vectors, Library(databases, 8), Projection(databases.system, vectors))


def test_an_ingest_becomes_points_and_then_current(case: Case) -> None:
    document = case.library.ingest(150)
    assert case.library.document(document).current_revision is None
    assert case.project() == 150
    row = case.library.document(document)
    assert row.state == "ready"
    assert row.current_revision is not None
    assert case.points() == case.library.chunks()


def test_a_batch_holds_a_hundred_rows_at_most(case: Case) -> None:
    case.library.ingest(150)
    step = case.projection.apply(0, flips=True)
    assert step.points == 100
    assert case.vectors.count() == 100


def test_without_flips_nothing_becomes_current_until_they_are_applied(case: Case) -> None:
    document = case.library.ingest(5)
    case.project(flips=False)
    assert case.vectors.count() == 5
    assert case.library.document(document).current_revision is None
    case.position = 0
    case.project()
    assert case.library.document(document).current_revision is not None


def test_rows_behind_until_are_left(case: Case) -> None:
    case.library.ingest(3)
    step = case.projection.apply(0, flips=True, until=2)
    assert (step.seq, case.vectors.count()) == (2, 2)
    assert case.projection.apply(2, flips=True, until=2).seq == 2


def test_a_new_revision_replaces_the_old_one_in_index_table_and_statistics(case: Case) -> None:
    document = case.library.ingest(120)
    case.project()
    first, before = case.points(), case.library.document(document).current_revision
    case.library.ingest(30, document, number=2)
    case.project()
    assert case.library.document(document).current_revision != before
    assert len(case.points()) == 30
    assert case.points().isdisjoint(first)
    assert case.points() == case.library.chunks()
    with case.databases.app.session(case.library.tenant) as session:
        assert session.execute(text("select chunks from corpus_statistics")).scalar_one() == 30
        stored = session.execute(select(ChunkRow.term_ids)).scalars().all()
    assert sum(case.statistics().values()) == sum(len(terms) // 4 for terms in stored)


def test_replaying_the_whole_outbox_changes_nothing(case: Case) -> None:
    document = case.library.ingest(20)
    case.library.ingest(10, document, number=2)
    other = case.library.ingest(5)
    case.project()
    case.library.forget(other)
    case.project()
    before = (case.points(), case.statistics(), case.library.document(document).current_revision)
    case.position = 0
    case.project()
    assert (case.points(), case.statistics(), case.library.document(document).current_revision) == before
    assert case.points() == case.library.chunks()


def test_after_a_deletion_the_statistics_are_what_they_were(case: Case) -> None:
    case.library.ingest(10)
    before = case.statistics()
    document = case.library.ingest(25)
    case.project()
    case.library.forget(document)
    case.project()
    assert case.statistics() == before
    assert case.points() == case.library.chunks()


def test_a_change_of_readers_reaches_the_index_and_is_acknowledged(case: Case) -> None:
    document = case.library.ingest(4)
    case.project()
    case.library.share(document, ["group:board"])
    assert case.library.document(document).projected_readers == ["everyone"]
    case.project()
    assert case.library.document(document).projected_readers == ["group:board"]
    query = Corpus(8).dense(1)[0]
    tenant = case.library.tenant
    assert case.vectors.search(Scope(tenant, EVERYONE), query, None, 10).dense == ()
    assert len(case.vectors.search(Scope(tenant, frozenset({"group:board"})), query, None, 10).dense) == 4


def test_readers_that_changed_twice_stay_pending_until_the_last_change_is_applied(case: Case) -> None:
    document = case.library.ingest(2)
    case.project()
    case.library.share(document, ["a"])
    with case.databases.system.session() as session:
        first = newest(session)
    case.library.share(document, ["b"])
    case.position = case.projection.apply(case.position, flips=True, until=first).seq
    assert case.library.document(document).projected_readers == ["everyone"]
    case.project()
    assert case.library.document(document).projected_readers == ["b"]


def test_a_document_being_deleted_does_not_become_ready(case: Case) -> None:
    document = case.library.ingest(2)
    with case.databases.app.session(case.library.tenant) as session:
        session.execute(update(DocumentRow).values(state="deleting"))
    case.project()
    assert case.library.document(document).state == "deleting"


def test_a_document_without_chunks_becomes_current_too(case: Case) -> None:
    document = case.library.ingest(0)
    case.project()
    assert case.library.document(document).state == "ready"


def test_rows_of_what_is_gone_are_passed_over(case: Case) -> None:
    case.library.forget(case.library.ingest(3))
    assert case.project() == 6
    assert case.vectors.count() == 0
    with case.databases.app.session(case.library.tenant) as session:
        outbox.append(session, [])
        outbox.append(session, [outbox.Change("flip", case.library.tenant, uuid7(), uuid7())])
    case.project()


@pytest.mark.parametrize(
    "damage",
    ["embedding = '\\x00'", "embedding = decode(repeat('00', 4 * 9), 'hex')", "term_ids = term_weights"],
)
def test_a_chunk_that_does_not_fit_holds_up_no_other(case: Case, damage: str) -> None:
    case.library.ingest(10)
    with case.databases.app.session(case.library.tenant) as session:
        session.execute(text(f"update chunks set {damage} where ordinal = 4"))  # noqa: S608 - one of the three above
    case.project()
    assert case.vectors.count() == 9


def test_an_index_is_rebuilt_from_the_chunks_alone(case: Case) -> None:
    case.library.ingest(150)
    other = Library(case.databases, 8)
    other.ingest(20)
    case.project()
    empty = MemoryVectors(8)
    assert list(Projection(case.databases.system, empty).rebuild()) == [100, 170]
    query, terms = Corpus(8).dense(1)[0], Corpus(8).sparse()
    scope = Scope(case.library.tenant, EVERYONE)
    assert empty.search(scope, query, terms, 50) == case.vectors.search(scope, query, terms, 50)


def test_vectors_of_another_encoder_are_left_out_and_their_passages_are_not(case: Case) -> None:
    case.projection.encoder = "new@1"
    found: dict[str, int] = {}
    for encoder in ("old@1", "new@1"):
        case.library.encoder = encoder
        found[encoder] = case.library.ingest(10).int
    case.project()
    scope = Scope(case.library.tenant, EVERYONE)
    near = case.vectors.search(scope, Corpus(8).dense(1)[0], None, 50).dense
    with case.databases.app.session(case.library.tenant) as session:
        rows = session.execute(select(ChunkRow.id, ChunkRow.document_id)).all()
    assert {hit.id for hit in near} == {row.id for row in rows if row.document_id.int == found["new@1"]}
    assert case.points() == case.library.chunks()


def test_passages_of_an_encoder_of_another_width_stay_in_the_index(case: Case) -> None:
    case.library.encoder = "old@1"
    case.library.ingest(10)
    wider = MemoryVectors(16)
    assert list(Projection(case.databases.system, wider, "new@1").rebuild()) == [10]
    assert wider.count() == 10


def test_rows_are_pruned_up_to_the_smallest_mark(case: Case) -> None:
    case.library.ingest(5)
    with case.databases.system.session() as session:
        marks.prune(session)
        assert newest(session) == 6
        marks.write(session, "old", 2, {"generation": "1"})
        marks.write(session, "new", 4, {})
        marks.write(session, "new", 5, {})
        marks.prune(session)
        assert session.execute(select(IndexOutboxRow.seq).order_by(IndexOutboxRow.seq)).scalars().all() == [3, 4, 5, 6]
        marks.keep_only(session, "new")
        marks.prune(session)
        assert session.execute(select(IndexOutboxRow.seq)).scalars().all() == [6]
        assert (marks.read(session, "new"), marks.read(session, "old")) == (5, None)


def test_the_reconciler_finds_and_mends_what_differs(case: Case) -> None:
    case.library.ingest(30)
    other = Library(case.databases, 8)
    other.ingest(10)
    case.project()
    reconciler = Reconciler(case.databases.system, case.vectors)
    assert reconciler.compare(case.position).agrees
    lost, kept = sorted(case.points())[:3], sorted(case.points())[3]
    case.vectors.delete(case.library.tenant, lost)
    case.vectors.upsert([*Corpus(8).points(2, case.library.tenant), *Corpus(8).points(4, uuid7())])
    report = reconciler.compare(case.position)
    assert not report.agrees
    assert report.summary() == {
        "agrees": False,
        "chunks": 40,
        "points": 43,
        "missing": 3,
        "extra": 2,
        "strays": 4,
        "unlike": 0,
    }
    assert report.differences[0].missing == tuple(lost)
    assert reconciler.repair(report) == 5
    case.project()
    mended = reconciler.compare(case.position)
    assert (mended.differences, mended.strays) == ((), 4)
    assert kept in case.points()
    assert case.points() == case.library.chunks()


def test_readers_of_an_old_snapshot_are_mended(case: Case) -> None:
    """What an index restored from before a change of access believes, with every id in its place."""
    opened, closed, same = (case.library.ingest(5) for _ in range(3))
    case.project()
    group = f"group:{uuid7()}"
    with case.databases.app.session(case.library.tenant) as session:
        lists.set_document(session, opened, [group])
        lists.set_document(session, closed, [])
    case.project()
    reconciler = Reconciler(case.databases.system, case.vectors)
    assert reconciler.compare(case.position).agrees
    before = dict(case.vectors.listed(case.library.tenant, None, 100))
    with case.databases.app.session(case.library.tenant) as session:
        changed = [opened, closed]
        old = session.execute(select(ChunkRow.id).where(ChunkRow.document_id.in_(changed))).scalars().all()
    case.vectors.share(case.library.tenant, old, ["everyone"])
    report = reconciler.compare(case.position)
    assert (report.agrees, report.summary()["unlike"], report.summary()["missing"]) == (False, 2, 0)
    assert set(report.differences[0].unlike) == {opened, closed}
    assert reconciler.repair(report) == 2
    case.project()
    assert reconciler.compare(case.position).agrees
    assert dict(case.vectors.listed(case.library.tenant, None, 100)) == before
    assert case.library.document(same).access_changed_at is None


def test_an_index_that_is_behind_is_not_compared(case: Case) -> None:
    case.library.ingest(3)
    with pytest.raises(Behind):
        Reconciler(case.databases.system, case.vectors).compare(case.position)
