"""A tenant's original files: how they leave the store of blobs, who may touch one at a time, where one is fetched."""

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


def link(document: UUID, revision: UUID, name: str, page: int | None) -> str:
    """Where the API gives the file that is cited: of a PDF at its page, as RFC 8118 has viewers open it.

    A document whose name ends so was a PDF: a name that promises another format than the bytes hold is refused.
    """
    at = f"#page={page}" if page is not None and name.lower().endswith(".pdf") else ""
    return f"/api/v1/documents/{document}/original?revision_id={revision}{at}"
