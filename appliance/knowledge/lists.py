"""Access lists of collections and documents: what stands in the tables, and their change as the index hears of it.

Locks are taken in one order: the collection, its documents by id, and last the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select, update
from sqlalchemy.orm import Session

from appliance.drivers.vectors.port import NIL
from appliance.kit import clock
from appliance.knowledge import outbox
from appliance.knowledge.errors import CollectionNotFound, DocumentNotFound
from appliance.knowledge.tables import CollectionRow, DocumentRow

_AT_ONCE: Final = 5000
"""Ids in one statement."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A document with its list. ``own``: it does not inherit. ``pending_since``: the index may believe otherwise."""

    document: UUID
    name: str
    collection: UUID
    state: str
    current_revision: UUID | None
    readers: tuple[str, ...]
    own: bool
    projected: tuple[str, ...]
    pending_since: datetime | None


def document(session: Session, key: UUID) -> Listed:
    """Any document of the session's tenant. Raises DocumentNotFound."""
    row = session.execute(_listed().where(DocumentRow.id == key)).one_or_none()
    if row is None:
        raise DocumentNotFound.about(key)
    return _of(row)


def page(session: Session, collection: UUID | None, name: str | None, after: UUID | None, limit: int) -> list[Listed]:
    """Any documents of the session's tenant, in the order in which they were first uploaded."""
    query = _listed().order_by(DocumentRow.id).limit(limit)
    if after is not None:
        query = query.where(DocumentRow.id > after)
    if collection is not None:
        query = query.where(DocumentRow.collection_id == collection)
    if name is not None:
        query = query.where(DocumentRow.name == name)
    return [_of(row) for row in session.execute(query)]


def collection(session: Session, key: UUID, *, lock: bool = False) -> tuple[str, list[str]]:
    """Name and list of a collection. Raises CollectionNotFound."""
    query = select(CollectionRow.name, CollectionRow.readers).where(CollectionRow.id == key)
    row = session.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise CollectionNotFound.about(key)
    return row.name, row.readers


def set_document(session: Session, key: UUID, own: list[str] | None) -> list[str]:
    """Give a document its own list, or None for its collection's; the list of before. Raises DocumentNotFound."""
    where = session.execute(select(DocumentRow.collection_id).where(DocumentRow.id == key)).scalar_one_or_none()
    if where is None:
        raise DocumentNotFound.about(key)
    shared = select(CollectionRow.readers).where(CollectionRow.id == where).with_for_update(read=True)
    inherited = session.execute(shared).scalar_one()
    found = select(DocumentRow.readers, DocumentRow.state).where(DocumentRow.id == key).with_for_update()
    row = session.execute(found).one_or_none()
    if row is None or row.state == "deleting":
        raise DocumentNotFound.about(key)
    session.execute(update(DocumentRow).where(DocumentRow.id == key).values(own_readers=own))
    readers = inherited if own is None else own
    if readers != row.readers:
        _change(session, [key], readers)
    return list(row.readers)


def set_collection(session: Session, key: UUID, readers: list[str]) -> int:
    """Give a collection a list; how many documents inherit a change. Raises CollectionNotFound."""
    collection(session, key, lock=True)
    session.execute(update(CollectionRow).where(CollectionRow.id == key).values(readers=readers))
    inheriting = (
        select(DocumentRow.id)
        .where(
            DocumentRow.collection_id == key,
            DocumentRow.own_readers.is_(None),
            DocumentRow.readers != readers,
        )
        .order_by(DocumentRow.id)
        .with_for_update()
    )
    changed = session.execute(inheriting).scalars().all()
    _change(session, changed, readers)
    return len(changed)


def behind(session: Session) -> tuple[int, float]:
    """How many documents' change of access the index does not know yet, and the age of the oldest in seconds."""
    oldest = func.min(DocumentRow.access_changed_at)
    waiting = DocumentRow.access_changed_at.is_not(None)
    row = session.execute(select(func.count(), oldest).where(waiting)).one()
    return row[0], max((clock.now() - row[1]).total_seconds(), 0.0) if row[1] else 0.0


def _change(session: Session, documents: Sequence[UUID], readers: list[str]) -> None:
    """PostgreSQL decides by the new list from the commit on; the index hears of it by the outbox."""
    if not documents:
        return
    since: ColumnElement[datetime] = func.coalesce(DocumentRow.access_changed_at, clock.now())
    for start in range(0, len(documents), _AT_ONCE):
        session.execute(
            update(DocumentRow)
            .where(DocumentRow.id.in_(documents[start : start + _AT_ONCE]))
            .values(readers=readers, access_changed_at=since, updated_at=clock.now())
            .execution_options(synchronize_session=False)
        )
    tenant = session.execute(select(DocumentRow.tenant_id).where(DocumentRow.id == documents[0])).scalar_one()
    outbox.append(session, [outbox.Change("access", tenant, one, NIL) for one in documents])


def _listed() -> Select[UUID, str, UUID, str, UUID | None, list[str], list[str] | None, list[str], datetime | None]:
    return select(
        DocumentRow.id,
        DocumentRow.name,
        DocumentRow.collection_id,
        DocumentRow.state,
        DocumentRow.current_revision,
        DocumentRow.readers,
        DocumentRow.own_readers,
        DocumentRow.projected_readers,
        DocumentRow.access_changed_at,
    )


def _of(row: Row[UUID, str, UUID, str, UUID | None, list[str], list[str] | None, list[str], datetime | None]) -> Listed:
    return Listed(
        document=row[0],
        name=row[1],
        collection=row[2],
        state=row[3],
        current_revision=row[4],
        readers=tuple(row[5]),
        own=row[6] is not None,
        projected=tuple(row[7]),
        pending_since=row[8],
    )
