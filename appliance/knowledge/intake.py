"""A file becomes a revision of a document, and a document is forgotten: what uploads and sources do alike.

Never commits.
Who may is decided before, by who calls: a person by access lists, a source by what it brought itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Adder, TenantId
from appliance.audit.service import Audit
from appliance.drivers.blobs import Blobs, Staged
from appliance.jobs.service import Jobs
from appliance.kit import clock
from appliance.knowledge.documents import FORGET, INGEST
from appliance.knowledge.errors import DocumentBusy, EmptyUpload, UnderHold
from appliance.knowledge.originals import lock_content
from appliance.knowledge.repository import Documents
from appliance.knowledge.tables import DocumentRow
from appliance.usage.stock import Stock


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file. ``unchanged``: the same bytes were there already; ``job`` reads them, if one must."""

    document: UUID
    job: UUID | None
    new: bool
    unchanged: bool


class Intake:
    """Of one tenant; ``by``: on whose account room is taken, and who stands in the audit record.

    ``batch``: what is read for it is counted with it.
    """

    def __init__(self, session: Session, tenant: TenantId, by: Adder, batch: UUID | None = None) -> None:
        self._batch = batch
        self._session = session
        self._tenant = tenant
        self._by = by
        self._jobs = Jobs(session, tenant)
        self._audit = Audit(session, tenant, by.user)
        self._documents = Documents(session, tenant)

    def put(
        self, collection: UUID, name: str, staged: Staged, blobs: Blobs, may: Callable[[DocumentRow, bool], None]
    ) -> Taken:
        """A new document, a new revision of the one of this name, or nothing for the same bytes again.

        ``may`` gets the locked row, and whether it is new; it raises where that must not be. What is served stays as
        it is until the index holds the new revision. Raises EmptyUpload, DocumentBusy, NoRoomLeft.
        """
        if staged.size == 0:
            raise EmptyUpload
        lock_content(self._session, self._tenant, staged.sha256)
        fresh = self._documents.insert(collection, name, self._batch)
        row = self._documents.named(collection, name)
        newest = None if fresh else self._documents.newest(row.id)
        may(row, newest is None)
        if row.state == "deleting":
            raise DocumentBusy.about(name)
        changed = newest is None or newest.sha256 != staged.sha256
        if changed:
            Stock(self._session, self._tenant).put(row.id, staged.size, self._by, fresh=fresh)
        blobs.keep(staged)
        if newest is not None and not changed:
            job = self._unfinished(row.id, newest.id, row.state)
            return Taken(row.id, job, new=False, unchanged=True)
        number = newest.number + 1 if newest else 1
        revision = self._documents.revise(row.id, number, staged.sha256, staged.size)
        act, before = ("document.update", newest.sha256) if newest else ("document.create", None)
        self._audit.record(act, row.id, before=before, after=staged.sha256, collection=collection, bytes=staged.size)
        job = self._ask(row.id, revision) if fresh else self._ingest(row.id, revision)  # a new row is queued already
        return Taken(row.id, job, new=newest is None, unchanged=False)

    def forget(self, row: DocumentRow) -> UUID:
        """Delete a document, whose locked row this is, everywhere; it is not found any more from now on. The job's id.

        Raises UnderHold.
        """
        if row.held_at is not None:
            raise UnderHold
        self.hide(row.id)
        newest = self._documents.newest(row.id)
        self._audit.record("document.delete", row.id, before=newest.sha256 if newest else None)
        return self._jobs.ask(FORGET, {"document": str(row.id)}, f"forget:{row.id}", outlives=True)

    def hide(self, document: UUID) -> None:
        """From now on no search admits it, whatever the index holds."""
        self._documents.set(document, state="deleting", access_changed_at=clock.now())

    def again(self, document: UUID, revision: UUID) -> UUID:
        """Read a revision again that failed; the job's id."""
        self._audit.record("document.retry", document)
        return self._ingest(document, revision)

    def _unfinished(self, document: UUID, revision: UUID, state: str) -> UUID | None:
        """The job that has still to read these bytes, asked for anew where the former one failed."""
        if state == "failed":
            return self.again(document, revision)
        if state not in ("queued", "parsing", "encoding"):
            return None
        if self._batch is not None:
            self._documents.set(document, batch_id=self._batch)
        return self._ask(document, revision)

    def _ingest(self, document: UUID, revision: UUID) -> UUID:
        self._documents.set(document, state="queued", reason_code=None, reason=None, batch_id=self._batch)
        return self._ask(document, revision)

    def _ask(self, document: UUID, revision: UUID) -> UUID:
        args = {"document": str(document), "revision": str(revision)}
        return self._jobs.ask(INGEST, args, f"ingest:{revision}")
