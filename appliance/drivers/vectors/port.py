"""What the vector index must do, whoever does it.

Nothing here searches without a :class:`Scope`, and a scope cannot be made without a tenant: a forgotten tenant is a
type error first and a refusal at run time after. The index admits; PostgreSQL decides, by id, before a chunk reaches
anyone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.kit import errors

DENSE, SPARSE = "dense", "sparse"
NIL = UUID(int=0)
LAST = UUID(int=(1 << 128) - 1)


class ScopeMissing(errors.Broken):
    """A question to the index names no tenant."""

    code = "scope_missing"


class VectorRefused(errors.Refused):
    """A vector does not fit the index."""

    code = "vector_refused"


def tenant_of(tenant: object) -> UUID:
    """The tenant, or ScopeMissing when it is not one."""
    if not isinstance(tenant, UUID) or tenant == NIL:
        raise ScopeMissing(f"{tenant!r} is not a tenant")
    return tenant


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector as parallel arrays (n,): uint32 term ids, strictly ascending, and float32 weights."""

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.indices.shape != self.values.shape or self.indices.ndim != 1:
            raise VectorRefused(f"{self.indices.shape} term ids with {self.values.shape} weights")
        if not bool(np.all(self.indices[1:] > self.indices[:-1])):
            raise VectorRefused("term ids are not strictly ascending")
        if not bool(np.isfinite(self.values).all()):
            raise VectorRefused("a term's weight is not a finite number")


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk as the index holds it.

    ``dense`` is float32 (dimensions,), L2-normalised; None: the point is found by its terms alone.
    """

    id: UUID
    tenant: UUID
    collection: UUID
    document: UUID
    revision: UUID
    readers: tuple[str, ...]
    dense: NDArray[np.float32] | None
    sparse: Sparse


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose points a search may see.

    A point is admitted when one of its readers is in ``readers``. Of documents whose change of access the index does
    not know yet, PostgreSQL has said: those in ``pending`` are admitted, those in ``withheld`` are not, whatever their
    points' readers are. ``everything`` admits all points but those: there are more such documents than can be named.
    ``collections`` and ``documents`` None mean all of the tenant's.
    """

    tenant: UUID
    readers: frozenset[str]
    pending: tuple[UUID, ...] = ()
    collections: tuple[UUID, ...] | None = None
    withheld: tuple[UUID, ...] = ()
    everything: bool = False
    documents: tuple[UUID, ...] | None = None

    def __post_init__(self) -> None:
        tenant_of(self.tenant)

    @property
    def nothing(self) -> bool:
        """True when no point can be admitted."""
        return not (self.readers or self.pending or self.everything) or () in (self.collections, self.documents)


@dataclass(frozen=True, slots=True)
class Hit:
    """A point and its score: cosine (dense) or the inner product of term weights (sparse)."""

    id: UUID
    score: float


@dataclass(frozen=True, slots=True)
class Legs:
    """The best of each leg, best first, equal scores by ascending id. They are fused in ``knowledge``."""

    dense: tuple[Hit, ...] = ()
    sparse: tuple[Hit, ...] = ()


class Reader(Protocol):
    """The index as everything but the projector sees it."""

    def search(self, scope: Scope, dense: NDArray[np.float32] | None, sparse: Sparse | None, limit: int) -> Legs:
        """The ``limit`` best points of each leg; a leg without a query vector is empty.

        The weights in ``sparse`` carry the IDF: the index keeps no statistics of its own. Raises VectorRefused for a
        vector of another size, Unavailable when the index does not answer.
        """
        ...

    def ids(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        """Up to ``limit`` of the tenant's point ids behind ``after``, ascending."""
        ...

    def listed(self, tenant: UUID, after: UUID | None, limit: int) -> tuple[tuple[UUID, tuple[str, ...]], ...]:
        """As ``ids``, each with its point's readers in the order in which they were written."""
        ...

    def count(self, tenant: UUID | None = None) -> int:
        """How many points there are: of one tenant, or None for the whole index."""
        ...


class Vectors(Reader, Protocol):
    """The index as the projector sees it. Every verb may be repeated without harm."""

    def upsert(self, points: Sequence[Point]) -> None:
        """Insert the points, or replace those with the same ids."""
        ...

    def delete(self, tenant: UUID, ids: Sequence[UUID]) -> None:
        """Remove those of the ids that are this tenant's; ids that are not there are no error."""
        ...

    def share(self, tenant: UUID, ids: Sequence[UUID], readers: Sequence[str]) -> None:
        """Replace the readers of those of the ids that are this tenant's; ids that are not there are no error."""
        ...


def checked(vector: NDArray[np.float32], dimensions: int) -> list[float]:
    """The vector as plain floats, or VectorRefused when its size is wrong or a value is not finite."""
    if vector.shape != (dimensions,):
        raise VectorRefused(f"a vector of shape {vector.shape} in an index of {dimensions} dimensions")
    if not bool(np.isfinite(vector).all()):
        raise VectorRefused("a value of the vector is not a finite number")
    values: list[float] = vector.tolist()
    return values


def payload(point: Point) -> dict[str, Any]:
    """The fields that filters look at, as Qdrant keeps them."""
    return {
        "tenant": str(tenant_of(point.tenant)),
        "collection": str(point.collection),
        "document": str(point.document),
        "revision": str(point.revision),
        "readers": list(point.readers),
    }


def best_first(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """In the order that every driver gives."""
    return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.id)))


def following(after: UUID | None) -> UUID | None:
    """The smallest id behind ``after``; None when there can be none. Qdrant's scroll offset is inclusive."""
    if after is None:
        return NIL
    return None if after == LAST else UUID(int=after.int + 1)
