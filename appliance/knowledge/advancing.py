"""How the job of an ingest looks at its document and moves it on: a few statements, made once, for each of many files.

Every state is written behind a look at what is wanted: a job whose revision was replaced, or whose document is to be
deleted, moves nothing.
"""

from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session, aliased

from appliance.kit import clock
from appliance.knowledge.reading import Reading
from appliance.knowledge.tables import DocumentRow, RevisionRow

_DOCUMENTS: Final = cast("Table", DocumentRow.__table__)
_LOCKED: Final = (
    select(DocumentRow.collection_id, DocumentRow.name, DocumentRow.state)
    .where(DocumentRow.id == bindparam("document"))
    .with_for_update()
)
_NEWEST: Final = (
    select(RevisionRow.id, RevisionRow.sha256, RevisionRow.reading, RevisionRow.chunk_count)
    .where(RevisionRow.document_id == bindparam("document"))
    .order_by(RevisionRow.number.desc())
    .limit(1)
)
_ENTER: Final = (
    update(_DOCUMENTS)
    .where(_DOCUMENTS.c.id == bindparam("document"))
    .values(state=bindparam("to"), reason_code=None, reason=None, updated_at=bindparam("at"))
)
_its, _other = aliased(RevisionRow), aliased(RevisionRow)
_REPLACED: Final = (
    select(_other.id)
    .join(_its, _its.document_id == _other.document_id)
    .where(_its.id == bindparam("revision"), _other.number > _its.number)
    .exists()
)
_ON: Final = _ENTER.where(_DOCUMENTS.c.state == bindparam("from"), ~_REPLACED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read, as it stands when the job begins."""

    document: UUID
    collection: UUID
    revision: UUID
    name: str
    sha256: str
    reading: Reading


def wanted(session: Session, document: UUID, revision: UUID) -> Wanted | None:
    """What to do, the document locked; None when it is done, replaced by a newer revision, or to be deleted."""
    given, connection = {"document": document}, session.connection()
    row = connection.execute(_LOCKED, given).one_or_none()
    newest = connection.execute(_NEWEST, given).one_or_none() if row is not None else None
    if row is None or newest is None or row.state == "deleting":
        return None
    if newest.id != revision or newest.chunk_count is not None:
        return None
    return Wanted(document, row.collection_id, revision, row.name, newest.sha256, Reading.of(newest.reading))


def enter(session: Session, document: UUID, state: str) -> None:
    """The document, which is locked, has come to this state."""
    session.connection().execute(_ENTER, _moved(document, state))


def go_on(session: Session, found: Wanted, before: str, state: str) -> None:
    """The document has come to this state, if it is in the one before and its revision is the newest still."""
    given = {**_moved(found.document, state), "from": before, "revision": found.revision}
    session.connection().execute(_ON, given)


def _moved(document: UUID, state: str) -> dict[str, Any]:
    return {"document": document, "to": state, "at": clock.now()}
