"""The shapes of the vector port refuse what must never reach an index."""

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from appliance.drivers.vectors.memory import MemoryVectors
from appliance.drivers.vectors.port import (
    LAST,
    NIL,
    Hit,
    Scope,
    ScopeMissing,
    Sparse,
    VectorRefused,
    best_first,
    following,
)
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.kit.wire import Client, WireDown
from tests.factories.points import Corpus, named


@pytest.mark.parametrize("nobody", [None, "", "11111111-1111-1111-1111-111111111111", NIL])
def test_a_scope_without_a_tenant_cannot_be_made(nobody: object) -> None:
    with pytest.raises(ScopeMissing):
        Scope(nobody, frozenset({"everyone"}))  # type: ignore[arg-type] # what a caller without types would do


@pytest.mark.parametrize(
    ("indices", "values", "reason"),
    [
        ([1, 2], [0.5], "weights"),
        ([2, 1], [0.5, 0.5], "ascending"),
        ([1, 1], [0.5, 0.5], "ascending"),
        ([1, 2], [0.5, float("inf")], "finite"),
    ],
)
def test_a_sparse_vector_is_ascending_parallel_and_finite(indices: list[int], values: list[float], reason: str) -> None:
    with pytest.raises(VectorRefused, match=reason):
        Sparse(np.array(indices, np.uint32), np.array(values, np.float32))


@pytest.mark.parametrize(
    ("readers", "pending", "collections", "nothing"),
    [
        (("everyone",), (), None, False),
        ((), (named(1),), None, False),
        ((), (), None, True),
        (("everyone",), (), (), True),
        (("everyone",), (), (named(1),), False),
    ],
)
def test_a_scope_knows_when_it_admits_nothing(
    readers: tuple[str, ...], pending: tuple[UUID, ...], collections: tuple[UUID, ...] | None, *, nothing: bool
) -> None:
    assert Scope(named("t"), frozenset(readers), pending, collections).nothing is nothing


def test_hits_are_ordered_by_score_then_id() -> None:
    low, high = sorted((named(1), named(2)))
    assert best_first([Hit(high, 1.0), Hit(low, 1.0), Hit(named(3), 2.0)]) == (
        Hit(named(3), 2.0),
        Hit(low, 1.0),
        Hit(high, 1.0),
    )


def test_the_id_that_follows() -> None:
    assert following(None) == NIL
    assert following(UUID(int=41)) == UUID(int=42)
    assert following(LAST) is None


def test_a_zero_vector_is_like_nothing_and_no_error() -> None:
    vectors = MemoryVectors(2)
    point = Corpus(2).points(1, named("t"))[0]
    vectors.upsert([point])
    legs = vectors.search(Scope(named("t"), frozenset({"everyone"})), np.zeros(2, np.float32), None, 5)
    assert legs.dense == (Hit(point.id, 0.0),)


def test_an_index_process_that_is_away_is_said_to_be_down(tmp_path: Path) -> None:
    remote = RemoteVectors(Client(tmp_path / "index.sock"))
    with pytest.raises(WireDown):
        remote.count()
