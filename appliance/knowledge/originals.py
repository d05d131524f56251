"""A tenant's original files: how they leave the store of blobs, and who may touch one of them at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

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


def lock_content(session: Session, tenant: UUID, sha256: str) -> None:
    """Until the end of the transaction nobody else keeps or deletes this content of the tenant."""
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"{tenant}/{sha256}"})
