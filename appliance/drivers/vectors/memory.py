"""A vector index in a dictionary: exact, slow, for tests and for reading what the port means."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.drivers.vectors.port import (
    Hit,
    Legs,
    Point,
    Scope,
    Sparse,
    best_first,
    checked,
    tenant_of,
)


class MemoryVectors:
    """Scores every admitted point."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._points: dict[UUID, Point] = {}
        self._lock = threading.Lock()

    def upsert(self, points: Sequence[Point]) -> None:
        """Insert or replace."""
        for point in points:
            if point.dense is not None:
                checked(point.dense, self.dimensions)
            tenant_of(point.tenant)
        with self._lock:
            self._points |= {point.id: point for point in points}

    def delete(self, tenant: UUID, ids: Sequence[UUID]) -> None:
        """Remove those that are this tenant's."""
        tenant_of(tenant)
        with self._lock:
            for id_ in ids:
                if id_ in self._points and self._points[id_].tenant == tenant:
                    del self._points[id_]

    def share(self, tenant: UUID, ids: Sequence[UUID], readers: Sequence[str]) -> None:
        """Replace the readers of those that are this tenant's."""
        tenant_of(tenant)
        with self._lock:
            for id_ in ids:
                if id_ in self._points and self._points[id_].tenant == tenant:
                    self._points[id_] = replace(self._points[id_], readers=tuple(readers))

    def search(self, scope: Scope, dense: NDArray[np.float32] | None, sparse: Sparse | None, limit: int) -> Legs:
        """The best of each leg."""
        if dense is not None:
            checked(dense, self.dimensions)
        with self._lock:
            points = [point for point in self._points.values() if admits(scope, point)]
        pairs = [(point.id, point.dense) for point in points if point.dense is not None]
        near = [Hit(id_, _cosine(dense, vector)) for id_, vector in pairs] if dense is not None else []
        scored = [(point.id, _overlap(sparse, point.sparse)) for point in points] if sparse is not None else []
        shared = [Hit(id_, score) for id_, score in scored if score is not None]
        return Legs(best_first(near)[:limit], best_first(shared)[:limit])

    def ids(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        """The tenant's ids behind ``after``, ascending."""
        tenant_of(tenant)
        with self._lock:
            found = sorted(id_ for id_, point in self._points.items() if point.tenant == tenant)
        return tuple(id_ for id_ in found if after is None or id_ > after)[:limit]

    def listed(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[tuple[UUID, tuple[str, ...]], ...]:
        """The same with the points' readers."""
        found = self.ids(tenant, after, limit)
        with self._lock:
            return tuple((id_, self._points[id_].readers) for id_ in found if id_ in self._points)

    def count(self, tenant: UUID | None = None) -> int:
        """How many points there are."""
        with self._lock:
            return sum(tenant is None or point.tenant == tenant for point in self._points.values())


def admits(scope: Scope, point: Point) -> bool:
    """What every driver's filter says, in plain words."""
    if point.tenant != scope.tenant:
        return False
    if scope.collections is not None and point.collection not in scope.collections:
        return False
    if scope.documents is not None and point.document not in scope.documents:
        return False
    if point.document in scope.withheld:
        return False
    return scope.everything or not scope.readers.isdisjoint(point.readers) or point.document in scope.pending


def _cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    norms = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(left @ right) / norms if norms else 0.0


def _overlap(query: Sparse, document: Sparse) -> float | None:
    """The inner product, or None when the two share no term."""
    shared, ours, theirs = np.intersect1d(query.indices, document.indices, assume_unique=True, return_indices=True)
    return float(query.values[ours] @ document.values[theirs]) if shared.size else None
