"""The vector port across the wire: both ends of one encoding.

The index process answers :func:`handlers`; everyone else holds a :class:`RemoteVectors`. Only reading crosses the wire:
the projector alone writes, inside the index process. Ids are 16 raw bytes, arrays little-endian bytes.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.drivers.vectors.port import Hit, Legs, Reader, Scope, Sparse, tenant_of
from appliance.kit.wire import Client, Handler

_FLOATS, _TERMS = np.dtype("<f4"), np.dtype("<u4")


class RemoteVectors:
    """The reader's side of the index process. WireDown (503) while it is away."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def search(self, scope: Scope, dense: NDArray[np.float32] | None, sparse: Sparse | None, limit: int) -> Legs:
        """The best of each leg."""
        answer = self._client.call(
            "search",
            tenant=scope.tenant.bytes,
            readers=sorted(scope.readers),
            pending=_joined(scope.pending),
            collections=_named(scope.collections),
            documents=_named(scope.documents),
            withheld=_joined(scope.withheld),
            everything=scope.everything,
            dense=None if dense is None else dense.astype(_FLOATS).tobytes(),
            terms=None if sparse is None else sparse.indices.astype(_TERMS).tobytes(),
            weights=None if sparse is None else sparse.values.astype(_FLOATS).tobytes(),
            limit=limit,
        )
        return Legs(_hits(answer["dense"]), _hits(answer["sparse"]))

    def ids(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        """The tenant's ids behind ``after``, ascending."""
        found: bytes = self._client.call(
            "ids", tenant=tenant_of(tenant).bytes, after=after.bytes if after else None, limit=limit
        )
        return _split(found)

    def listed(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[tuple[UUID, tuple[str, ...]], ...]:
        """The same with the points' readers."""
        found = self._client.call(
            "listed", tenant=tenant_of(tenant).bytes, after=after.bytes if after else None, limit=limit
        )
        return tuple(zip(_split(found["ids"]), map(tuple, found["readers"]), strict=True))

    def count(self, tenant: UUID | None = None) -> int:
        """How many points there are."""
        return int(self._client.call("count", tenant=None if tenant is None else tenant_of(tenant).bytes))

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()


def handlers(vectors: Reader) -> dict[str, Handler]:
    """The answering side, for :class:`appliance.kit.wire.Server`."""

    def search(request: dict[str, Any]) -> dict[str, Any]:
        legs = vectors.search(_scope(request), *_query(request), int(request["limit"]))
        return {"dense": _packed(legs.dense), "sparse": _packed(legs.sparse)}

    def ids(request: dict[str, Any]) -> bytes:
        after = UUID(bytes=request["after"]) if request["after"] else None
        return _joined(vectors.ids(UUID(bytes=request["tenant"]), after, int(request["limit"])))

    def listed(request: dict[str, Any]) -> dict[str, Any]:
        after = UUID(bytes=request["after"]) if request["after"] else None
        found = vectors.listed(UUID(bytes=request["tenant"]), after, int(request["limit"]))
        return {"ids": _joined([id_ for id_, _ in found]), "readers": [list(readers) for _, readers in found]}

    def count(request: dict[str, Any]) -> int:
        return vectors.count(UUID(bytes=request["tenant"]) if request["tenant"] else None)

    def ping(_: dict[str, Any]) -> dict[str, bool]:
        return {"ready": True}

    return {"search": search, "ids": ids, "listed": listed, "count": count, "ping": ping}


def _scope(request: dict[str, Any]) -> Scope:
    collections, documents = (request.get(field) for field in ("collections", "documents"))
    return Scope(
        UUID(bytes=request["tenant"]),
        frozenset(request["readers"]),
        _split(request["pending"]),
        None if collections is None else _split(collections),
        _split(request["withheld"]),
        bool(request["everything"]),
        None if documents is None else _split(documents),
    )


def _query(request: dict[str, Any]) -> tuple[NDArray[np.float32] | None, Sparse | None]:
    dense, terms = request["dense"], request["terms"]
    sparse = None if terms is None else Sparse(np.frombuffer(terms, _TERMS), np.frombuffer(request["weights"], _FLOATS))
    return (None if dense is None else np.frombuffer(dense, _FLOATS)), sparse


def _packed(hits: Sequence[Hit]) -> dict[str, bytes]:
    scores = np.array([hit.score for hit in hits], np.dtype("<f8"))
    return {"ids": _joined([hit.id for hit in hits]), "scores": scores.tobytes()}


def _hits(packed: dict[str, bytes]) -> tuple[Hit, ...]:
    scores = np.frombuffer(packed["scores"], np.dtype("<f8")).tolist()
    return tuple(Hit(id_, score) for id_, score in zip(_split(packed["ids"]), scores, strict=True))


def _named(ids: Sequence[UUID] | None) -> bytes | None:
    return None if ids is None else _joined(ids)


def _joined(ids: Sequence[UUID]) -> bytes:
    return b"".join(id_.bytes for id_ in ids)


def _split(data: bytes) -> tuple[UUID, ...]:
    return tuple(UUID(bytes=data[start : start + 16]) for start in range(0, len(data), 16))
