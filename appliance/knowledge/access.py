"""The one place that holds the vector index. Whoever searches gets through here, with tenant and readers added.

A rule test forbids a vector client anywhere else in the slices: what cannot be called without a principal cannot be
called for the wrong tenant.
"""

from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.access.principal import Principal
from appliance.drivers.vectors.port import Legs, Reader, Scope, Sparse


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
        pending: tuple[UUID, ...] = (),
        collections: tuple[UUID, ...] | None = None,
    ) -> Legs:
        """The best of each leg among what the index believes readable, and documents whose access is changing."""
        scope = Scope(principal.tenant, principal.readers, pending, collections)
        return self._vectors.search(scope, dense, sparse, limit)

    def count(self, principal: Principal) -> int:
        """How many points the principal's tenant has."""
        return self._vectors.count(principal.tenant)
