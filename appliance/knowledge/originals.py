"""A tenant's original files leave the store of blobs."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from appliance.drivers.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Originals:
    """All files of one tenant, named by their SHA-256."""

    blobs: Blobs
    kind: str = "blobs"

    def names(self, tenant: UUID) -> Iterator[str]:
        """Digests, ascending."""
        return iter(self.blobs.listed(tenant))

    def remove(self, tenant: UUID) -> None:
        """All of them."""
        for sha256 in self.blobs.listed(tenant):
            self.blobs.delete(tenant, sha256)
