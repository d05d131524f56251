"""Deleting a document everywhere: the jobs ``knowledge.forget`` and ``knowledge.forget_collection``.

Three transactions, each harmless to repeat: (1) chunks, term statistics, outbox deletes, and what other slices hold of
the document; (2) its files, unless another document has the same content; (3) the rows themselves. The rows go last
because they name the files.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.drivers.blobs import Blobs
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.knowledge import outbox, statistics
from appliance.knowledge.documents import FORGET
from appliance.knowledge.errors import UnderHold
from appliance.knowledge.originals import lock_content
from appliance.knowledge.repository import Collections, Documents
from appliance.knowledge.tables import ChunkRow, DocumentRow, RevisionRow

Forgetter = Callable[[Session, TenantId, UUID], None]
"""Removes what another slice holds of a document (quotes in citations …); filled in ``entry``."""

_OVERDUE: Final = timedelta(minutes=15)
_AT_ONCE: Final = 1000


def unfinished(session: Session) -> int:
    """A chore of the ``system`` login: what was to be forgotten long ago is asked for again; how many.

    Its job was cancelled, or failed. Who asked to forget was told that it is done, so no cancel takes it back.
    """
    hidden = (DocumentRow.state == "deleting") & DocumentRow.held_at.is_(None)
    query = select(DocumentRow.tenant_id, DocumentRow.id).where(
        hidden, DocumentRow.access_changed_at < func.clock_timestamp() - _OVERDUE
    )
    rows = session.execute(query.order_by(DocumentRow.id).limit(_AT_ONCE)).all()
    for row in rows:
        args = {"document": str(row.id)}
        Jobs(session, TenantId(row.tenant_id)).ask(FORGET, args, f"forget:{row.id}", outlives=True)
    return len(rows)


class Forget:
    """Deletes documents for one job."""

    def __init__(self, run: Run, blobs: Blobs, forgetters: Sequence[Forgetter] = ()) -> None:
        self._run = run
        self._blobs = blobs
        self._forgetters = forgetters

    def document(self) -> Mapping[str, Any]:
        """The job ``knowledge.forget``."""
        self.everywhere(UUID(str(self._run.args["document"])))
        return {"documents": 1}

    def collection(self) -> Mapping[str, Any]:
        """The job ``knowledge.forget_collection``: also documents that were added in the meantime.

        One that was added and held in the meantime stays as it is, with its collection, and all others go. Raises
        UnderHold then.
        """
        collection, done = UUID(str(self._run.args["collection"])), 0
        held = set[UUID]()
        while True:
            with self._run.transaction() as session:
                if Collections(session, self._run.tenant).delete(collection):
                    return {"documents": done}
                waiting = Documents(session, self._run.tenant).within(collection)
            if held.issuperset(waiting):
                raise UnderHold
            for document in waiting:
                self._run.progress(done, done + len(waiting), "deleting")
                try:
                    self.everywhere(document)
                    done += 1
                except UnderHold:
                    held.add(document)

    def everywhere(self, document: UUID) -> None:
        """One document, with all that it left anywhere. Raises UnderHold."""
        with self._run.transaction() as session:
            contents = self._chunks(session, document)
        for sha256 in contents:
            with self._run.transaction() as session:
                lock_content(session, self._run.tenant, sha256)
                if not Documents(session, self._run.tenant).shared(sha256, document):
                    self._blobs.delete(self._run.tenant, sha256)
        with self._run.transaction() as session:
            Documents(session, self._run.tenant).drop(document)

    def _chunks(self, session: Session, document: UUID) -> list[str]:
        """Everything but the rows that name the files; their digests."""
        tenant = self._run.tenant
        documents = Documents(session, tenant)
        row = documents.lock(document)
        if row is None:
            return []
        if row.held_at is not None:
            raise UnderHold
        documents.set(document, state="deleting", current_revision=None)
        for forgetter in self._forgetters:
            forgetter(session, tenant, document)
        rows = documents.chunks(document)
        statistics.remove(session, tenant, [np.frombuffer(row.term_ids, np.dtype("<u4")) for row in rows])
        session.execute(delete(ChunkRow).where(ChunkRow.document_id == document))
        session.execute(update(RevisionRow).where(RevisionRow.document_id == document).values(text=None, title=None))
        outbox.append(session, [outbox.Change("delete", tenant, document, row.revision_id, row.id) for row in rows])
        return documents.contents(document)
