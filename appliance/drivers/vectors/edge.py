"""The Qdrant engine inside our own process: one directory, one shard, one process.

Graphs are built for each tenant only (``m=0, payload_m=16`` and a keyword index with ``is_tenant``), by
:meth:`EdgeVectors.optimise`, which holds the GIL all the while, as ``load``, ``close`` and ``flush`` do (flush: 60 to
330 ms after 1,000 upserts on a busy disk). So a shard that answers searches calls none of them: ``entry.index_shard``.

A filter that passes a third of a tenant leaves a plain filtered graph walk with recall .84 on clustered vectors, one
query finding nothing at all. ACORN (below ``_ACORN`` of the points) and a full scan under ``_SCAN_KB`` bring .999.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import numpy as np
import qdrant_edge as qdrant
from numpy.typing import NDArray

from appliance.drivers.vectors.errors import ShardUnreadable
from appliance.drivers.vectors.port import (
    DENSE,
    SPARSE,
    Hit,
    Legs,
    Point,
    Scope,
    Sparse,
    best_first,
    checked,
    following,
    payload,
    tenant_of,
)

CONFIG_FILE = "edge_config.json"
_EF = 128
_ACORN = 0.7  # of the segment's points: a filter that passes fewer walks the graph by ACORN
_SCAN_KB = 10_000  # 6,500 vectors of 384 floats: below this a scan is as fast as the graph, and exact
_SHARED_AT_ONCE = 50  # points whose readers change in one update, for the same reason
_AT_ONCE = 10  # points in one update: it holds the GIL, and searches wait for it, some 1.5 ms
_INDEX_KB = 1_000  # segments smaller than this get no graph at all


class EdgeVectors:
    """One Edge shard. Safe to call from several threads; one process only."""

    def __init__(self, shard: "qdrant.EdgeShard", dimensions: int) -> None:
        self._shard = shard
        self.dimensions = dimensions

    @classmethod
    def create(cls, directory: Path, dimensions: int, *, build_threads: int = 1) -> "EdgeVectors":
        """A new, empty shard; its directory must not hold one."""
        directory.mkdir(parents=True, exist_ok=True)
        shard = qdrant.EdgeShard.create(str(directory), _config(dimensions, build_threads))
        shard.update(qdrant.UpdateOperation.create_field_index("tenant", qdrant.KeywordIndexParams(is_tenant=True)))
        for field in ("readers", "collection", "document"):
            plain = qdrant.KeywordIndexParams(enable_hnsw=False)
            shard.update(qdrant.UpdateOperation.create_field_index(field, plain))
        shard.flush()
        return cls(shard, dimensions)

    @classmethod
    def load(cls, directory: Path, dimensions: int, *, build_threads: int = 1) -> "EdgeVectors":
        """The shard in this directory, after a crash too; ShardUnreadable when there is none that can be read.

        Edge makes a missing ``segments`` directory by itself, so the configuration is looked at first.
        """
        try:
            stored = json.loads((directory / CONFIG_FILE).read_bytes())["vectors"][DENSE]["size"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ShardUnreadable(f"{directory.name}: {error}") from error
        if stored != dimensions:
            raise ShardUnreadable(f"{directory.name} is of {stored} dimensions, the encoder of {dimensions}")
        try:
            return cls(qdrant.EdgeShard.load(str(directory), _config(dimensions, build_threads)), dimensions)
        except BaseException as error:  # the binding raises bare Exception, and panics derive from BaseException
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise ShardUnreadable(f"{directory.name}: {error}") from error

    def upsert(self, points: Sequence[Point]) -> None:
        """Insert or replace."""
        stored = [self._stored(point) for point in points]  # all are looked at before one is written
        for start in range(0, len(stored), _AT_ONCE):
            self._shard.update(qdrant.UpdateOperation.upsert_points(stored[start : start + _AT_ONCE]))

    def delete(self, tenant: UUID, ids: Sequence[UUID]) -> None:
        """Remove those that are this tenant's."""
        theirs = _is("tenant", tenant_of(tenant))
        for start in range(0, len(ids), _AT_ONCE):
            chosen = qdrant.Filter(must=[theirs, qdrant.HasIdCondition(set(ids[start : start + _AT_ONCE]))])
            self._shard.update(qdrant.UpdateOperation.delete_points_by_filter(chosen))

    def share(self, tenant: UUID, ids: Sequence[UUID], readers: Sequence[str]) -> None:
        """Replace the readers of those that are this tenant's."""
        theirs = _is("tenant", tenant_of(tenant))
        for start in range(0, len(ids), _SHARED_AT_ONCE):
            chosen = qdrant.Filter(must=[theirs, qdrant.HasIdCondition(set(ids[start : start + _SHARED_AT_ONCE]))])
            self._shard.update(qdrant.UpdateOperation.set_payload_by_filter(chosen, {"readers": list(readers)}))

    def search(self, scope: Scope, dense: NDArray[np.float32] | None, sparse: Sparse | None, limit: int) -> Legs:
        """The best of each leg."""
        queries: dict[str, Any] = {}
        if dense is not None:
            queries[DENSE] = checked(dense, self.dimensions)
        if sparse is not None and sparse.indices.size:
            queries[SPARSE] = qdrant.SparseVector(sparse.indices.tolist(), sparse.values.tolist())
        if scope.nothing or not queries or limit < 1:
            return Legs()
        admitted = _filter(scope)
        batch = [_request(name, vector, admitted, limit) for name, vector in queries.items()]
        found = self._shard.query_batch(qdrant.QueryBatchRequest(batch))
        legs = {
            name: best_first([Hit(cast("UUID", hit.id), hit.score) for hit in hits])
            for name, hits in zip(queries, found, strict=True)
        }
        return Legs(**legs)

    def ids(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        """The tenant's ids behind ``after``, ascending."""
        chosen = qdrant.Filter(must=[_is("tenant", tenant_of(tenant))])
        offset = following(after)
        if offset is None:
            return ()
        request = qdrant.ScrollRequest(offset=offset, limit=limit, filter=chosen, with_payload=False)
        records, _ = self._shard.scroll(request)
        return tuple(cast("UUID", record.id) for record in records)

    def listed(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[tuple[UUID, tuple[str, ...]], ...]:
        """The same with the points' readers."""
        chosen = qdrant.Filter(must=[_is("tenant", tenant_of(tenant))])
        offset = following(after)
        if offset is None:
            return ()
        request = qdrant.ScrollRequest(offset=offset, limit=limit, filter=chosen, with_payload=["readers"])
        records, _ = self._shard.scroll(request)
        return tuple((cast("UUID", record.id), tuple((record.payload or {}).get("readers", ()))) for record in records)

    def count(self, tenant: UUID | None = None) -> int:
        """How many points there are."""
        chosen = qdrant.Filter(must=[_is("tenant", tenant_of(tenant))]) if tenant is not None else None
        return int(self._shard.count(qdrant.CountRequest(exact=True, filter=chosen)))

    def optimise(self) -> bool:
        """Build graphs and drop what was deleted; True when there was anything to do. Holds the GIL for seconds."""
        return bool(self._shard.optimize())

    def flush(self) -> None:
        """Write all to disk, durably. Holds the GIL for up to a third of a second."""
        self._shard.flush()

    def close(self) -> None:
        """Write all and let go of the directory. Holds the GIL."""
        self._shard.close()

    def _stored(self, point: Point) -> "qdrant.Point":
        terms = qdrant.SparseVector(point.sparse.indices.tolist(), point.sparse.values.tolist())
        vectors: dict[str, Any] = {SPARSE: terms}
        if point.dense is not None:
            vectors[DENSE] = checked(point.dense, self.dimensions)
        return qdrant.Point(point.id, vectors, payload(point))


def _config(dimensions: int, build_threads: int) -> "qdrant.EdgeConfig":
    return qdrant.EdgeConfig(
        vectors={DENSE: qdrant.EdgeVectorParams(size=dimensions, distance=qdrant.Distance.Cosine)},
        sparse_vectors={SPARSE: qdrant.EdgeSparseVectorParams()},  # no Modifier.Idf: it counts over all tenants
        hnsw_config=qdrant.HnswIndexConfig(
            m=0, ef_construct=100, full_scan_threshold=_SCAN_KB, max_indexing_threads=build_threads, payload_m=16
        ),
        optimizers=qdrant.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=_INDEX_KB),
        max_search_threads=2,
    )


def _is(key: str, value: UUID) -> "qdrant.FieldCondition":
    return qdrant.FieldCondition(key=key, match=qdrant.MatchValue(str(value)))


def _any(key: str, values: Sequence[object]) -> "qdrant.FieldCondition":
    return qdrant.FieldCondition(key=key, match=qdrant.MatchAny([str(value) for value in values]))


def _filter(scope: Scope) -> "qdrant.Filter":
    readable: list[Any] = [_any("readers", sorted(scope.readers))] if scope.readers else []
    if scope.pending:
        readable.append(_any("document", scope.pending))
    must: list[Any] = [_is("tenant", scope.tenant)]
    if not scope.everything:
        must.append(qdrant.Filter(should=readable))
    if scope.collections is not None:
        must.append(_any("collection", scope.collections))
    if scope.documents is not None:
        must.append(_any("document", scope.documents))
    return qdrant.Filter(must=must, must_not=[_any("document", scope.withheld)] if scope.withheld else None)


def _request(
    name: str, vector: "list[float] | qdrant.SparseVector", admitted: "qdrant.Filter", limit: int
) -> "qdrant.QueryRequest":
    acorn = qdrant.AcornSearchParams(enable=True, max_selectivity=_ACORN)
    return qdrant.QueryRequest(
        limit=limit,
        query=qdrant.Query.Nearest(vector, using=name),
        filter=admitted,
        params=qdrant.SearchParams(hnsw_ef=max(_EF, limit), acorn=acorn if name == DENSE else None),
        with_payload=False,
        with_vector=False,
    )
