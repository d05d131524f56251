"""What is Edge's own: graphs, copies, crashes, damaged directories."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.drivers.vectors.edge import CONFIG_FILE, EdgeVectors
from appliance.drivers.vectors.errors import ShardUnreadable
from appliance.drivers.vectors.port import Legs, Scope
from tests.factories.points import Corpus, named

TENANT = named("tenant")
WIDE = 384


def _recall(edge: EdgeVectors, scope: Scope, stored: NDArray[np.float32], ids: list[UUID], corpus: Corpus) -> float:
    """The share of the true 50 nearest that 30 searches find."""
    found = []
    for query in corpus.dense(30):
        true = {ids[row] for row in np.argsort(-(stored @ query))[:50]}
        found.append(len(true & {hit.id for hit in edge.search(scope, query, None, 50).dense}) / 50)
    return float(np.mean(found))


def _alike(found: Legs, expected: Legs) -> None:
    """The same but for the last bit of a sum made in another order."""
    for left, right in ((found.dense, expected.dense), (found.sparse, expected.sparse)):
        assert [hit.id for hit in left] == [hit.id for hit in right]
        assert [hit.score for hit in left] == pytest.approx([hit.score for hit in right])


@pytest.mark.slow
def test_a_graph_finds_98_of_100_also_behind_a_filter_that_passes_few(tmp_path: Path) -> None:
    corpus = Corpus(WIDE, centres=100)
    points = corpus.points(11_000, TENANT)
    few = [number for number in range(len(points)) if number % 7 == 0]
    for number, point in enumerate(points):
        groups = (f"g{number % 2}", "few") if number % 7 == 0 else (f"g{number % 2}",)
        points[number] = replace(point, readers=groups)
    edge = EdgeVectors.create(tmp_path / "shard", WIDE, build_threads=2)
    for start in range(0, len(points), 100):
        edge.upsert(points[start : start + 100])
    assert edge.optimise()
    assert not edge.optimise()
    stored, ids = np.array([point.dense for point in points]), [point.id for point in points]
    both = Scope(TENANT, frozenset({"g0", "g1"}))
    assert _recall(edge, both, stored, ids, corpus) >= 0.98
    assert _recall(edge, Scope(TENANT, frozenset({"g0"})), stored[::2], ids[::2], corpus) >= 0.98
    narrow = Scope(TENANT, frozenset({"few"}))
    assert _recall(edge, narrow, stored[few], [ids[number] for number in few], corpus) >= 0.98
    edge.close()


def test_a_copy_made_while_nobody_writes_holds_all_without_a_flush(tmp_path: Path) -> None:
    corpus = Corpus(16)
    edge = EdgeVectors.create(tmp_path / "shard", 16)
    points = corpus.points(500, TENANT)
    edge.upsert(points[:300])
    edge.delete(TENANT, [point.id for point in points[:50]])
    edge.upsert(points[300:])
    shutil.copytree(tmp_path / "shard", tmp_path / "copy")
    copy = EdgeVectors.load(tmp_path / "copy", 16)
    scope = Scope(TENANT, frozenset({"everyone"}))
    assert copy.count() == edge.count() == 450
    for point in points[::50]:
        _alike(copy.search(scope, point.dense, point.sparse, 5), edge.search(scope, point.dense, point.sparse, 5))
    copy.close()
    edge.close()


def test_a_closed_shard_opens_again(tmp_path: Path) -> None:
    edge = EdgeVectors.create(tmp_path / "shard", 16)
    edge.upsert(Corpus(16).points(20, TENANT))
    edge.flush()
    edge.close()
    again = EdgeVectors.load(tmp_path / "shard", 16)
    assert again.count(TENANT) == 20
    again.close()


def test_what_cannot_be_read_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ShardUnreadable, match="nowhere"):
        EdgeVectors.load(tmp_path / "nowhere", 16)
    assert not (tmp_path / "nowhere").exists()
    EdgeVectors.create(tmp_path / "shard", 16).close()
    with pytest.raises(ShardUnreadable, match="of 16 dimensions, the encoder of 8"):
        EdgeVectors.load(tmp_path / "shard", 8)


def test_a_damaged_shard_is_unreadable(tmp_path: Path) -> None:
    edge = EdgeVectors.create(tmp_path / "shard", 16)
    edge.upsert(Corpus(16).points(20, TENANT))
    edge.close()
    for file in (tmp_path / "shard" / "segments").rglob("segment.json"):
        file.write_text(json.dumps({"broken": True}))
    with pytest.raises(ShardUnreadable):
        EdgeVectors.load(tmp_path / "shard", 16)
    (tmp_path / "shard" / CONFIG_FILE).write_text("{}")
    with pytest.raises(ShardUnreadable):
        EdgeVectors.load(tmp_path / "shard", 16)
