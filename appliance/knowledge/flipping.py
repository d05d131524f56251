"""A revision becomes current when the index holds all of it, and the ones before it go in the same transaction.

And a change of access is over when the index has applied the last of its rows.
"""

from uuid import UUID

import numpy as np
from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from appliance.kit import clock
from appliance.knowledge import outbox, statistics
from appliance.knowledge.tables import ChunkRow, DocumentRow, IndexOutboxRow, RevisionRow


def flip(session: Session, document: UUID, revision: UUID) -> None:
    """Make ``revision`` current, unless it is older than the current one or gone; harmless to repeat at any time.

    The document's row is locked first: what is decided below is decided on what no other transaction changes meanwhile.
    """
    row = session.execute(
        select(DocumentRow.tenant_id, DocumentRow.state, DocumentRow.current_revision)
        .where(DocumentRow.id == document)
        .with_for_update()
    ).one_or_none()
    if row is None or row.state == "deleting":
        return
    found = session.execute(select(RevisionRow.id, RevisionRow.number).where(RevisionRow.document_id == document))
    numbers = {id_: number for id_, number in found}  # noqa: C416 - dict() does not know that a row is a pair
    if revision in numbers and numbers[revision] >= numbers.get(row.current_revision, 0):
        if revision != row.current_revision:
            _make_current(session, document, revision)
        older = [id_ for id_, number in numbers.items() if number < numbers[revision]]
        if older:
            _remove(session, row.tenant_id, document, older)


def acknowledge(session: Session, seq: int, document: UUID) -> None:
    """The index knows the document's readers by the row ``seq``, unless a later row says that they changed again.

    One that is being deleted stays as it is: no search admits it until it is gone.
    """
    state = session.execute(select(DocumentRow.state).where(DocumentRow.id == document).with_for_update())
    if state.scalar_one_or_none() in (None, "deleting"):
        return
    later = exists().where(
        IndexOutboxRow.document_id == document, IndexOutboxRow.seq > seq, IndexOutboxRow.op == "access"
    )
    session.execute(
        update(DocumentRow)
        .where(DocumentRow.id == document, ~later)
        .values(projected_readers=DocumentRow.readers, access_changed_at=None)
    )


def _make_current(session: Session, document: UUID, revision: UUID) -> None:
    session.execute(
        update(DocumentRow)
        .where(DocumentRow.id == document)
        .values(current_revision=revision, state="ready", reason_code=None, reason=None, updated_at=clock.now())
    )


def _remove(session: Session, tenant: UUID, document: UUID, revisions: list[UUID]) -> None:
    """Take the chunks of former revisions out of the statistics, the table and, by the outbox, the index."""
    old = session.execute(
        select(ChunkRow.id, ChunkRow.revision_id, ChunkRow.term_ids).where(ChunkRow.revision_id.in_(revisions))
    ).all()
    if not old:
        return
    statistics.remove(session, tenant, [np.frombuffer(row.term_ids, np.dtype("<u4")) for row in old])
    session.execute(delete(ChunkRow).where(ChunkRow.id.in_([row.id for row in old])))
    gone = [outbox.Change("delete", tenant, document, row.revision_id, row.id) for row in old]
    outbox.append(session, gone)
