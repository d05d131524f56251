"""What every vector index must do, the double too."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import Hit, Legs, Point, Scope, VectorRefused
from appliance.kit.errors import ApplianceError
from tests.factories.points import Corpus, named, sparse
from tests.integration.vectors.conftest import DIMENSIONS, Bench

A, B = named("tenant a"), named("tenant b")
EVERYONE = frozenset({"everyone"})


@pytest.fixture
def corpus() -> Corpus:
    return Corpus(DIMENSIONS)


def _same(found: tuple[Hit, ...], expected: tuple[Hit, ...], limit: int) -> None:
    """The same scores, and the same ids above the last tie."""
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-4)
    if not expected:
        return
    last = expected[-1].score if len(expected) == limit else -np.inf
    clear = {hit.id for hit in expected if hit.score > last + 1e-4}
    assert clear <= {hit.id for hit in found}


def _fill(index: Bench, points: list[Point]) -> MemoryVectors:
    """Write the points to the index and to the double that it is compared with."""
    double = MemoryVectors(DIMENSIONS)
    for start in range(0, len(points), 100):
        index.write.upsert(points[start : start + 100])
        double.upsert(points[start : start + 100])
    index.settle()
    return double


def test_both_legs_give_the_same_as_scoring_every_point(index: Bench, corpus: Corpus) -> None:
    double = _fill(index, corpus.points(300, A) + corpus.points(100, B))
    for _ in range(10):
        query, terms = corpus.dense(1)[0], corpus.sparse(6)
        for scope in (Scope(A, EVERYONE), Scope(B, EVERYONE)):
            found, expected = (each.search(scope, query, terms, 20) for each in (index.read, double))
            _same(found.dense, expected.dense, 20)
            _same(found.sparse, expected.sparse, 20)


def test_a_point_without_a_vector_is_found_by_its_terms_alone(index: Bench, corpus: Corpus) -> None:
    bare, whole = (replace(one, sparse=sparse({7: 1.0})) for one in corpus.points(2, A))
    _fill(index, [bare, whole])
    index.write.upsert([replace(bare, dense=None)])
    legs = index.read.search(Scope(A, EVERYONE), corpus.dense(1)[0], sparse({7: 1.0}), 10)
    assert [hit.id for hit in legs.dense] == [whole.id]
    assert {hit.id for hit in legs.sparse} == {bare.id, whole.id}
    assert index.read.count(A) == 2


def test_hits_come_best_first_and_ties_by_id(index: Bench, corpus: Corpus) -> None:
    one = corpus.points(1, A)[0]
    _fill(index, [replace(one, id=named(number)) for number in range(5)])
    legs = index.read.search(Scope(A, EVERYONE), one.dense, one.sparse, 10)
    assert [hit.id for hit in legs.dense] == sorted(named(number) for number in range(5))
    assert [hit.id for hit in legs.sparse] == sorted(named(number) for number in range(5))


def test_a_tenant_finds_nothing_of_another(index: Bench, corpus: Corpus) -> None:
    theirs = corpus.points(50, B)
    _fill(index, corpus.points(50, A) + theirs)
    legs = index.read.search(Scope(A, EVERYONE), theirs[0].dense, theirs[0].sparse, 100)
    assert not {hit.id for hit in legs.dense + legs.sparse} & {point.id for point in theirs}
    assert index.read.search(Scope(named("nobody"), EVERYONE), theirs[0].dense, theirs[0].sparse, 10) == Legs()


def test_another_tenants_uploads_and_deletions_change_no_score(index: Bench, corpus: Corpus) -> None:
    mine, theirs = corpus.points(40, A), corpus.points(40, B)
    _fill(index, mine)
    query, terms = corpus.dense(1)[0], corpus.sparse(6)
    before = index.read.search(Scope(A, EVERYONE), query, terms, 10)
    _fill(index, theirs)
    assert index.read.search(Scope(A, EVERYONE), query, terms, 10) == before
    index.write.delete(B, [point.id for point in theirs])
    assert index.read.search(Scope(A, EVERYONE), query, terms, 10) == before


def test_only_readers_or_documents_with_pending_access_are_admitted(index: Bench, corpus: Corpus) -> None:
    shared, closed = corpus.points(20, A), corpus.points(20, A, readers=("group:board",), start=20)
    _fill(index, shared + closed)

    def seen(readers: set[str], pending: tuple[UUID, ...] = ()) -> set[UUID]:
        legs = index.read.search(Scope(A, frozenset(readers), pending), shared[0].dense, None, 100)
        return {hit.id for hit in legs.dense}

    assert seen({"everyone"}) == {point.id for point in shared}
    assert seen({"everyone", "group:board"}) == {point.id for point in shared + closed}
    assert seen({"everyone"}, (closed[0].document,)) == {point.id for point in shared + closed[:10]}
    assert seen(set(), (closed[0].document,)) == {point.id for point in closed[:10]}
    assert seen(set()) == set()


def test_what_changes_its_readers_is_admitted_to_those_alone(index: Bench, corpus: Corpus) -> None:
    points, theirs = corpus.points(120, A), corpus.points(10, B)
    _fill(index, points + theirs)
    moved = [point.id for point in points[:60]]
    index.write.share(A, [*moved, theirs[0].id, named("nowhere")], ["group:board", "user:x"])
    index.settle()

    def seen(tenant: UUID, *readers: str) -> set[UUID]:
        legs = index.read.search(Scope(tenant, frozenset(readers)), points[0].dense, points[0].sparse, 200)
        return {hit.id for hit in legs.dense}

    assert seen(A, "everyone") == {point.id for point in points[60:]}
    assert seen(A, "user:x") == set(moved)
    assert seen(B, "everyone") == {point.id for point in theirs}
    index.write.share(A, moved, [])
    assert seen(A, "everyone", "user:x", "group:board") == {point.id for point in points[60:]}


def test_withheld_documents_are_not_admitted_whatever_else_a_scope_says(index: Bench, corpus: Corpus) -> None:
    shared, closed = corpus.points(20, A), corpus.points(20, A, readers=("group:board",), start=20)
    _fill(index, shared + closed + corpus.points(10, B))

    def seen(scope: Scope) -> set[UUID]:
        legs = index.read.search(scope, shared[0].dense, None, 100)
        return {hit.id for hit in legs.dense}

    withheld = (shared[0].document, closed[0].document)
    rest = {point.id for point in shared[10:]}
    assert seen(Scope(A, EVERYONE, (), None, withheld)) == rest
    assert seen(Scope(A, EVERYONE, (closed[0].document,), None, (shared[0].document,))) == rest | {
        point.id for point in closed[:10]
    }
    assert seen(Scope(A, frozenset(), (), None, (), everything=True)) == {point.id for point in shared + closed}
    assert seen(Scope(A, EVERYONE, (), None, withheld, everything=True)) == rest | {point.id for point in closed[10:]}


def test_collections_narrow_a_search(index: Bench, corpus: Corpus) -> None:
    left, right = corpus.points(10, A, collection="left"), corpus.points(10, A, collection="right", start=10)
    _fill(index, left + right)

    def seen(collections: tuple[UUID, ...] | None) -> set[UUID]:
        legs = index.read.search(Scope(A, EVERYONE, (), collections), left[0].dense, None, 100)
        return {hit.id for hit in legs.dense}

    assert seen((named("left"),)) == {point.id for point in left}
    assert seen(None) == seen((named("left"), named("right"))) == {point.id for point in left + right}
    assert seen(()) == set()


def test_documents_narrow_a_search_and_admit_nobody_else(index: Bench, corpus: Corpus) -> None:
    points = corpus.points(12, A)
    closed = [replace(point, readers=("user:x",)) for point in corpus.points(4, A, start=12)]
    _fill(index, points + closed)
    wanted = (points[0].document, closed[0].document)

    def seen(documents: tuple[UUID, ...] | None, pending: tuple[UUID, ...] = ()) -> set[UUID]:
        scope = Scope(A, EVERYONE, pending, documents=documents)
        legs = index.read.search(scope, points[0].dense, points[0].sparse, 100)
        assert {hit.id for hit in legs.sparse} <= {hit.id for hit in legs.dense}
        return {hit.id for hit in legs.dense}

    ours = {point.id for point in points if point.document in wanted}
    assert seen(wanted) == ours
    assert seen(wanted, (closed[0].document,)) == ours | {p.id for p in closed if p.document == closed[0].document}
    assert seen(()) == set()
    assert seen(None) == {point.id for point in points}


def test_a_leg_without_a_query_is_empty(index: Bench, corpus: Corpus) -> None:
    points = corpus.points(10, A)
    _fill(index, points)
    scope = Scope(A, EVERYONE)
    only_sparse = index.read.search(scope, None, points[0].sparse, 5)
    assert only_sparse.dense == ()
    assert only_sparse.sparse
    assert index.read.search(scope, points[0].dense, None, 5).sparse == ()
    assert index.read.search(scope, points[0].dense, sparse({}), 5).sparse == ()
    assert index.read.search(scope, None, None, 5) == Legs()
    assert index.read.search(scope, points[0].dense, points[0].sparse, 0) == Legs()


def test_points_that_share_no_term_are_no_sparse_hits(index: Bench, corpus: Corpus) -> None:
    one, other = (
        replace(point, sparse=sparse({term: 2.0})) for point, term in zip(corpus.points(2, A), (1, 9), strict=True)
    )
    _fill(index, [one, other])
    hits = index.read.search(Scope(A, EVERYONE), None, sparse({1: 0.5, 4: 3.0}), 10).sparse
    assert [hit.id for hit in hits] == [one.id]
    assert hits[0].score == pytest.approx(1.0)


def test_replays_are_harmless(index: Bench, corpus: Corpus) -> None:
    points = corpus.points(30, A)
    _fill(index, points)
    query = corpus.dense(1)[0]
    before = index.read.search(Scope(A, EVERYONE), query, points[3].sparse, 10)
    for _ in range(2):
        index.write.upsert(points)
    assert index.read.count(A) == 30
    assert index.read.search(Scope(A, EVERYONE), query, points[3].sparse, 10) == before


def test_an_upsert_replaces_vectors_and_readers(index: Bench, corpus: Corpus) -> None:
    old = corpus.points(1, A)[0]
    _fill(index, [old])
    assert old.dense is not None
    index.write.upsert([replace(old, readers=("user:1",), dense=-old.dense)])
    assert index.read.search(Scope(A, EVERYONE), old.dense, old.sparse, 5) == Legs()
    hit = index.read.search(Scope(A, frozenset({"user:1"})), old.dense, None, 5).dense[0]
    assert hit.score == pytest.approx(-1, abs=1e-5)


def test_deleting_removes_the_tenants_points_and_no_others(index: Bench, corpus: Corpus) -> None:
    mine, theirs = corpus.points(20, A), corpus.points(5, B)
    _fill(index, mine + theirs)
    for _ in range(2):
        index.write.delete(A, [point.id for point in mine[:5] + theirs] + [named("never was")])
    index.write.delete(A, [])
    assert index.read.count(A) == 15
    assert index.read.count(B) == 5
    assert index.read.count() == 20
    legs = index.read.search(Scope(A, EVERYONE), mine[0].dense, mine[0].sparse, 20)
    assert not {hit.id for hit in legs.dense + legs.sparse} & {point.id for point in mine[:5]}


def test_ids_are_read_with_their_readers(index: Bench, corpus: Corpus) -> None:
    points = [
        replace(point, readers=(f"user:{number}", "everyone")) for number, point in enumerate(corpus.points(25, A))
    ]
    _fill(index, points + corpus.points(5, B))
    index.write.share(A, [points[0].id], [])
    index.write.share(A, [points[1].id], ["group:b", "group:a"])
    expected = {point.id: point.readers for point in points} | {points[0].id: (), points[1].id: ("group:b", "group:a")}
    found = list[tuple[UUID, tuple[str, ...]]]()
    while page := index.read.listed(A, found[-1][0] if found else None, 10):
        found += page
    assert found == sorted(expected.items())
    assert index.read.listed(A, UUID(int=(1 << 128) - 1), 10) == ()


def test_ids_are_read_ascending_page_by_page(index: Bench, corpus: Corpus) -> None:
    points = corpus.points(25, A)
    _fill(index, points + corpus.points(5, B))
    pages: list[UUID] = []
    while page := index.read.ids(A, pages[-1] if pages else None, 10):
        pages += page
    assert pages == sorted(point.id for point in points)
    assert index.read.ids(A, UUID(int=(1 << 128) - 1), 10) == ()


def test_a_vector_that_does_not_fit_is_refused_and_changes_nothing(index: Bench, corpus: Corpus) -> None:
    good = corpus.points(1, A)[0]
    for bad in (np.ones(DIMENSIONS + 1, np.float32), np.full(DIMENSIONS, np.nan, np.float32)):
        with pytest.raises(VectorRefused):
            index.write.upsert([replace(good, dense=bad)])
        with pytest.raises(ApplianceError, match=r"dimensions|finite"):
            index.read.search(Scope(A, EVERYONE), bad, None, 5)
    assert index.read.count() == 0


def test_nobody_writes_or_reads_without_a_tenant(index: Bench, corpus: Corpus) -> None:
    nobody = UUID(int=0)
    with pytest.raises(ApplianceError, match="not a tenant"):
        index.write.upsert([replace(corpus.points(1, A)[0], tenant=nobody)])
    with pytest.raises(ApplianceError, match="not a tenant"):
        index.write.delete(nobody, [named(1)])
    with pytest.raises(ApplianceError, match="not a tenant"):
        index.read.ids(nobody, None, 5)
    index.write.upsert([])
    assert index.read.count() == 0
