"""A Qdrant server through ``qdrant-client``, or the client's own local mode, which is exact and for tests.

The same collection as ``edge`` makes: graphs for each tenant only, no ``Modifier.Idf``. Tenancy is our filter: Qdrant
took payload filters out of its tokens in 1.16.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

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
from appliance.kit import errors

_EF = 128
_ACORN = models.AcornSearchParams(enable=True, max_selectivity=0.7)


class QdrantDown(errors.Unavailable):
    """The Qdrant server does not answer."""

    code = "qdrant_down"


class QdrantVectors:
    """One collection of a Qdrant server."""

    def __init__(self, client: QdrantClient, collection: str, dimensions: int, *, local: bool) -> None:
        self._client = client
        self._collection = collection
        self._local = local
        self.dimensions = dimensions

    @classmethod
    def connect(cls, url: str, collection: str, dimensions: int, *, api_key: str | None = None) -> "QdrantVectors":
        """A server; the collection is made when it is not there. QdrantDown when the server does not answer."""
        made = cls(QdrantClient(url=url, api_key=api_key, timeout=30), collection, dimensions, local=False)
        try:
            made.prepare()
        except (QdrantException, ApiException) as error:
            raise QdrantDown(f"{type(error).__name__}: {error}", retry_after=5) from error
        return made

    @classmethod
    def in_process(cls, collection: str, dimensions: int) -> "QdrantVectors":
        """The client's local mode: no server, exact search, nothing kept."""
        made = cls(QdrantClient(location=":memory:"), collection, dimensions, local=True)
        made.prepare()
        return made

    def prepare(self) -> None:
        """Make the collection and its field indexes where they are missing."""
        if not self._client.collection_exists(self._collection):
            self._client.create_collection(
                self._collection,
                vectors_config={DENSE: models.VectorParams(size=self.dimensions, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams()},
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
            )
        if self._local:
            return  # local mode scans, and warns at every index
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        plain = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, enable_hnsw=False)
        for field, schema in (("tenant", tenant), ("readers", plain), ("collection", plain), ("document", plain)):
            self._client.create_payload_index(self._collection, field, schema)

    def upsert(self, points: Sequence[Point]) -> None:
        """Insert or replace."""
        if points:
            self._client.upsert(self._collection, [self._stored(point) for point in points], wait=True)

    def delete(self, tenant: UUID, ids: Sequence[UUID]) -> None:
        """Remove those that are this tenant's."""
        if ids:
            one_of = models.HasIdCondition(has_id=[str(id_) for id_ in ids])
            chosen = models.Filter(must=[_is("tenant", tenant_of(tenant)), one_of])
            self._client.delete(self._collection, models.FilterSelector(filter=chosen), wait=True)

    def share(self, tenant: UUID, ids: Sequence[UUID], readers: Sequence[str]) -> None:
        """Replace the readers of those that are this tenant's."""
        if ids:
            one_of = models.HasIdCondition(has_id=[str(id_) for id_ in ids])
            chosen = models.Filter(must=[_is("tenant", tenant_of(tenant)), one_of])
            self._client.set_payload(self._collection, {"readers": list(readers)}, chosen, wait=True)

    def search(self, scope: Scope, dense: NDArray[np.float32] | None, sparse: Sparse | None, limit: int) -> Legs:
        """The best of each leg."""
        queries: dict[str, Any] = {}
        if dense is not None:
            queries[DENSE] = checked(dense, self.dimensions)
        if sparse is not None and sparse.indices.size:
            queries[SPARSE] = _sparse(sparse)
        if scope.nothing or not queries or limit < 1:
            return Legs()
        admitted = _filter(scope)
        batch = [self._request(name, vector, admitted, limit) for name, vector in queries.items()]
        found = self._client.query_batch_points(self._collection, batch)
        legs = {
            name: best_first([Hit(UUID(str(hit.id)), hit.score) for hit in answer.points])
            for name, answer in zip(queries, found, strict=True)
        }
        return Legs(**legs)

    def ids(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        """The tenant's ids behind ``after``, ascending."""
        chosen = models.Filter(must=[_is("tenant", tenant_of(tenant))])
        offset = following(after)
        if offset is None:
            return ()
        records, _ = self._client.scroll(
            self._collection, scroll_filter=chosen, limit=limit, offset=str(offset), with_payload=False
        )
        return tuple(UUID(str(record.id)) for record in records)

    def listed(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[tuple[UUID, tuple[str, ...]], ...]:
        """The same with the points' readers."""
        chosen = models.Filter(must=[_is("tenant", tenant_of(tenant))])
        offset = following(after)
        if offset is None:
            return ()
        records, _ = self._client.scroll(
            self._collection, scroll_filter=chosen, limit=limit, offset=str(offset), with_payload=["readers"]
        )
        return tuple((UUID(str(record.id)), tuple((record.payload or {}).get("readers", ()))) for record in records)

    def count(self, tenant: UUID | None = None) -> int:
        """How many points there are."""
        chosen = models.Filter(must=[_is("tenant", tenant_of(tenant))]) if tenant is not None else None
        return self._client.count(self._collection, count_filter=chosen, exact=True).count

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _request(self, name: str, vector: object, admitted: models.Filter, limit: int) -> models.QueryRequest:
        params = models.SearchParams(hnsw_ef=max(_EF, limit), acorn=_ACORN if name == DENSE else None)
        return models.QueryRequest.model_validate(
            {
                "query": vector,
                "using": name,
                "filter": admitted,
                "limit": limit,
                "params": None if self._local else params,
                "with_payload": False,
            }
        )

    def _stored(self, point: Point) -> models.PointStruct:
        vectors: dict[str, Any] = {SPARSE: _sparse(point.sparse)}
        if point.dense is not None:
            vectors[DENSE] = checked(point.dense, self.dimensions)
        return models.PointStruct(id=str(point.id), vector=vectors, payload=payload(point))


def _sparse(vector: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())


def _is(key: str, value: UUID) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=str(value)))


def _any(key: str, values: Sequence[object]) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=[str(value) for value in values]))


def _filter(scope: Scope) -> models.Filter:
    readable = [_any("readers", sorted(scope.readers))] if scope.readers else []
    if scope.pending:
        readable.append(_any("document", scope.pending))
    must: list[Any] = [_is("tenant", scope.tenant)]
    if not scope.everything:
        must.append(models.Filter(should=list(readable)))
    if scope.collections is not None:
        must.append(_any("collection", scope.collections))
    if scope.documents is not None:
        must.append(_any("document", scope.documents))
    return models.Filter(must=must, must_not=[_any("document", scope.withheld)] if scope.withheld else None)
