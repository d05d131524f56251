"""The one place that holds the vector index. Whoever searches gets through here, with tenant and readers added.

A rule test forbids a vector client anywhere else in the slices: what cannot be called without a principal cannot be
called for the wrong tenant.
"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.access.principal import Principal
from appliance.drivers.vectors.port import Legs, Reader, Scope, Sparse


@dataclass(frozen=True, slots=True)
class Changes:
    """What PostgreSQL says of documents whose change of access the index does not know yet, for one principal.

    ``everything``: they are more than can be named, so that all is admitted and looked at afterwards.
    """

    granted: tuple[UUID, ...] = ()
    withheld: tuple[UUID, ...] = ()
    everything: bool = False


NONE = Changes()


class Index:
    """The vector index as a principal may see it."""

    def __init__(self, vectors: Reader) -> None:
        self._vectors = vectors

    def search(
        self,
        principal: Principal,
        dense: NDArray[np.float32] | None,
        sparse: Sparse | None,
        limit: int,
        *,
        changes: Changes = NONE,
        collections: tuple[UUID, ...] | None = None,
        documents: tuple[UUID, ...] | None = None,
    ) -> Legs:
        """The best of each leg among what the index believes readable, put right by what it does not know yet."""
        scope = Scope(
            principal.tenant,
            principal.readers,
            changes.granted,
            collections,
            changes.withheld,
            changes.everything,
            documents,
        )
        return self._vectors.search(scope, dense, sparse, limit)

    def count(self, principal: Principal) -> int:
        """How many points the principal's tenant has."""
        return self._vectors.count(principal.tenant)
