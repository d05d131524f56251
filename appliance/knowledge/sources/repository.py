"""Queries on sources. One tenant's session, but for those that say ``system``; row-level security does the scoping."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.kit.ids import uuid7
from appliance.knowledge.sources.tables import SourceItemRow, SourceLogRow, SourceRow


def key_of(external: str) -> bytes:
    """What an item is found by, after its name was forgotten too."""
    return hashlib.sha256(external.encode()).digest()


def source(session: Session, key: UUID, *, lock: bool = False) -> SourceRow | None:
    """One source of the tenant; with ``lock`` as it is now."""
    query = select(SourceRow).where(SourceRow.id == key)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def page(
    session: Session, after: UUID | None, limit: int, collection: UUID | None, name: str | None
) -> Sequence[SourceRow]:
    """In the order in which they were made."""
    query = select(SourceRow).order_by(SourceRow.id).limit(limit)
    if after is not None:
        query = query.where(SourceRow.id > after)
    if collection is not None:
        query = query.where(SourceRow.collection_id == collection)
    if name is not None:
        query = query.where(SourceRow.name == name)
    return session.scalars(query).all()


def named(session: Session, name: str) -> bool:
    """Whether a source of the tenant has this name."""
    return session.execute(select(exists().where(SourceRow.name == name))).scalar_one()


def items(session: Session, source: UUID, keys: Iterable[bytes]) -> dict[bytes, SourceItemRow]:
    """The known among these items."""
    row = SourceItemRow
    found = session.scalars(select(row).where(row.source_id == source, row.key.in_(list(keys))))
    return {each.key: each for each in found}


def item(session: Session, tenant: UUID, source: UUID, external: str) -> SourceItemRow:
    """The item, locked; made where it is not known yet, in the state ``waiting``."""
    row, key = SourceItemRow, key_of(external)
    values = {"id": uuid7(), "tenant_id": tenant, "source_id": source, "key": key, "state": "waiting"}
    session.execute(insert(row).values(**values).on_conflict_do_nothing())
    query = select(row).where(row.source_id == source, row.key == key).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def known_item(session: Session, source: UUID, external: str) -> SourceItemRow | None:
    """The item, locked; None where it is not known."""
    row = SourceItemRow
    query = select(row).where(row.source_id == source, row.key == key_of(external)).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def present(session: Session, source: UUID) -> dict[bytes, str]:
    """What was seen there before and is still thought to be: the name by the key."""
    row = SourceItemRow
    query = select(row.key, row.external).where(row.source_id == source, row.state.not_in(("gone", "forgotten")))
    return {found[0]: found[1] or "" for found in session.execute(query)}


def with_documents(session: Session, source: UUID, limit: int) -> list[UUID]:
    """Some documents of a source, by id."""
    row = SourceItemRow
    query = select(row.document_id).where(
        row.source_id == source, row.document_id.is_not(None), row.state.not_in(("gone", "forgotten"))
    )
    return [found for found in session.scalars(query.order_by(row.document_id).limit(limit)) if found is not None]


def let_go(session: Session, source: UUID, documents: Sequence[UUID]) -> None:
    """A source that is being removed has these no more."""
    row = SourceItemRow
    session.execute(delete(row).where(row.source_id == source, row.document_id.in_(documents)))


def log_page(
    session: Session, source: UUID, before: UUID | None, limit: int, job: UUID | None, act: str | None
) -> Sequence[SourceLogRow]:
    """Newest first."""
    row = SourceLogRow
    query = select(row).where(row.source_id == source).order_by(row.id.desc()).limit(limit)
    if before is not None:
        query = query.where(row.id < before)
    query = query.where(row.dry.is_(False) if job is None else row.job_id == job)
    if act is not None:
        query = query.where(row.act == act)
    return session.scalars(query).all()


def forget_dry(session: Session, source: UUID) -> None:
    """A dry run is told once: the next one's log replaces it."""
    session.execute(delete(SourceLogRow).where(SourceLogRow.source_id == source, SourceLogRow.dry))


def forget_document(session: Session, document: UUID) -> None:
    """Of what came from sources and is forgotten here the digests of names are left, and that it was."""
    row, log = SourceItemRow, SourceLogRow
    found = session.execute(select(row.id, row.source_id, row.key, row.state).where(row.document_id == document))
    for each in found.all():
        nothing = {"external": None, "token": None, "sha256": None, "document_id": None, "readers": None}
        state = "gone" if each.state == "gone" else "forgotten"
        session.execute(update(row).where(row.id == each.id).values(**nothing, state=state, reason_code=None))
        spoken = update(log).where(log.source_id == each.source_id, log.key == each.key)
        session.execute(spoken.values(name=None, reason=None))


def due(session: Session, now: datetime) -> Sequence[SourceRow]:
    """Sources whose sync is due, each put off to its next time; of two who look at once, one gets it. ``system``."""
    row = SourceRow
    query = select(row).where(row.due_at <= now).with_for_update(skip_locked=True).limit(100)
    found = session.scalars(query).all()
    for each in found:
        later = None if each.every_minutes is None else now + timedelta(minutes=each.every_minutes)
        session.execute(update(row).where(row.id == each.id).values(due_at=later))
    return [each for each in found if each.state == "active"]


def folders(session: Session, limit: int) -> Sequence[SourceRow]:
    """Folders that are to be watched, of all tenants. For the ``system`` login."""
    row = SourceRow
    watched = row.settings["watch"].as_boolean()
    query = select(row).where(row.kind == "folder", row.state == "active", watched).order_by(row.id).limit(limit)
    return session.scalars(query).all()


def touched(session: Session, source: UUID, now: datetime) -> None:
    """A watch saw a change: the sync is due. For the ``system`` login."""
    row = SourceRow
    session.execute(update(row).where(row.id == source).values(due_at=now, touched_at=now))


def forget_log(session: Session, keep: timedelta) -> None:
    """What is older than that is not told any more. For the ``system`` login."""
    old = SourceLogRow.created_at < func.now() - keep
    session.execute(delete(SourceLogRow).where(old).execution_options(synchronize_session=False))
