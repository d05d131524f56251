"""The life of documents: the states that each went through, what failed tried again, and legal holds. Never commits.

A hold keeps a document from being forgotten: alone, with its collection and with its tenant. It keeps nobody from
uploading: former revisions stay with the document as long as it does.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.knowledge.batches import Batches
from appliance.knowledge.errors import DocumentNotFound, NotHeld
from appliance.knowledge.repository import Collections, Documents
from appliance.knowledge.service import Knowledge
from appliance.knowledge.tables import DocumentRow

MOST_AT_ONCE: Final = 1000
"""Documents that one request tries again."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A state that a document entered, with the reason where it failed."""

    state: str
    at: datetime
    reason_code: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A document that must not be forgotten: why, since when, by whom."""

    tenant: UUID
    document: UUID
    reason: str
    held_at: datetime
    held_by: UUID


class Life:
    """Of documents of one tenant, as far as the caller may read them; holds of any document."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._audit = Audit(session, principal.tenant, principal.user)

    def history(self, document: UUID) -> tuple[Stage, ...]:
        """Oldest first, the last hundred. Raises DocumentNotFound."""
        Knowledge(self._session, self._principal).document(document)
        told = self._session.execute(select(DocumentRow.history).where(DocumentRow.id == document)).scalar_one()
        return tuple(
            Stage(one["state"], datetime.fromisoformat(one["at"]), one["reason_code"], one["reason"]) for one in told
        )

    def retry_failed(self, collection: UUID) -> tuple[UUID | None, int, int]:
        """Read a collection's failed documents again: the batch (None: none failed), how many, and how many are left.

        Raises CollectionNotFound.
        """
        Collections(self._session, self._principal.tenant, self._principal.readers).one(collection)
        found = Documents(self._session, self._principal.tenant, self._principal.readers).failed(collection)
        self._audit.record("collection.retry", collection, documents=min(len(found), MOST_AT_ONCE))
        if not found:
            return None, 0, 0
        batch = Batches(self._session, self._principal).begin(collection, "retry", ended=True)
        knowledge = Knowledge(self._session, self._principal, batch)
        for document in found[:MOST_AT_ONCE]:
            knowledge.retry(document)
        return batch, min(len(found), MOST_AT_ONCE), max(len(found) - MOST_AT_ONCE, 0)

    def hold(self, document: UUID, reason: str) -> Hold:
        """Keep a document from being forgotten; one that is held already stays so. Raises DocumentNotFound."""
        row = self._locked(document)
        if row.state == "deleting":
            raise DocumentNotFound.about(document)
        if row.held_at is None:
            row.held_at, row.held_by, row.hold_reason = clock.now(), self._principal.user, reason
            self._session.flush()
            self._audit.record("document.hold", document)
        return _hold(row)

    def held(self, document: UUID) -> Hold:
        """Raises DocumentNotFound, NotHeld."""
        return _hold(self._locked(document))

    def release(self, document: UUID) -> None:
        """Let it be forgotten again. Raises DocumentNotFound, NotHeld."""
        row = self._locked(document)
        _hold(row)
        row.held_at = row.held_by = row.hold_reason = None
        self._session.flush()
        self._audit.record("document.release", document)

    def _locked(self, document: UUID) -> DocumentRow:
        row = Documents(self._session, self._principal.tenant).lock(document)
        if row is None:
            raise DocumentNotFound.about(document)
        return row


def holds(session: Session, after: UUID | None, limit: int) -> list[Hold]:
    """Holds by document: of the session's tenant, or of all in a session of the system login."""
    query = select(DocumentRow).where(DocumentRow.held_at.is_not(None)).order_by(DocumentRow.id).limit(limit)
    if after is not None:
        query = query.where(DocumentRow.id > after)
    return [_hold(row) for row in session.execute(query).scalars()]


def holding(system: Database, tenant: UUID) -> bool:
    """Whether a document of the tenant is held: then the tenant is not deleted."""
    found = exists().where(DocumentRow.tenant_id == tenant, DocumentRow.held_at.is_not(None))
    with system.session() as session:
        return session.execute(select(found)).scalar_one()


def _hold(row: DocumentRow) -> Hold:
    if row.held_at is None or row.held_by is None:
        raise NotHeld.about(row.id)
    return Hold(row.tenant_id, row.id, row.hold_reason or "", row.held_at, row.held_by)
