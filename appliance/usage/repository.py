"""Queries of quotas, windows and leases."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from msgspec.json import encode
from sqlalchemy import Table, and_, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.access.principal import Adder
from appliance.kit.ids import uuid7
from appliance.kit.rows import rows_of, take_away
from appliance.usage.journal import UsageRecord
from appliance.usage.measures import Limit, Measure, Window
from appliance.usage.tables import (
    QuotaLeaseRow,
    QuotaRow,
    QuotaWindowRow,
    StockRow,
    StockSumRow,
    UsageHourRow,
    UsageRecordRow,
)

_RECORDS = cast("Table", UsageRecordRow.__table__)
_COLUMNS = tuple(column.name for column in _RECORDS.columns if column.name not in ("recorded_at", "rolled"))
LIFE = 60
"""Seconds that a lease counts for after its holder last told of itself."""
_EXPIRES = func.clock_timestamp() + text(f"interval '{LIFE} seconds'")
_ALIVE = QuotaLeaseRow.expires_at > func.clock_timestamp()


def keep(session: Session, batch: Sequence[UsageRecord]) -> frozenset[UUID]:
    """Insert records, once by request id, whoever tries again; the ids of those that are new."""
    rows = rows_of(_RECORDS, _COLUMNS, encode(batch))
    made = insert(UsageRecordRow).from_select(_COLUMNS, rows).on_conflict_do_nothing(index_elements=["request_id"])
    return frozenset(session.scalars(made.returning(UsageRecordRow.request_id)))


def charge(session: Session, kept: Sequence[UsageRecord]) -> None:
    """Count new records in their windows, in the transaction that inserts them."""
    spent: Counter[str] = Counter()
    leased: Counter[str] = Counter()
    for record in kept:
        tokens = record.prompt_tokens + record.completion_tokens
        spent.update({charge.window: tokens for charge in record.charges})
        leased.update({charge.lease: tokens for charge in record.charges})
    for window in sorted(spent):  # in one order, so that two drainers do not wait for each other in a ring
        spend(session, UUID(window), spent[window])
    for lease in sorted(leased):
        shrink(session, UUID(lease), leased[lease])


def tenants_there(session: Session, tenants: set[UUID]) -> frozenset[UUID]:
    """Those of these tenants that there are."""
    there = text("select id from tenants where id = any(:ids)")
    return frozenset(session.scalars(there, {"ids": list(tenants)}))


def quotas(session: Session, tenant: UUID) -> Sequence[QuotaRow]:
    """All quotas of a tenant."""
    return session.scalars(select(QuotaRow).where(QuotaRow.tenant_id == tenant)).all()


def lock_window(session: Session, limit: Limit, window: Window) -> tuple[UUID, int]:
    """The id of a window and what is spent of it; nobody else leases or spends of it until this transaction ends."""
    row = QuotaWindowRow
    named = (row.subject_id == limit.subject, row.measure == limit.measure, row.starts_at == window.start)
    query = select(row.id, row.spent).where(*named).with_for_update()
    found = session.execute(query).first()
    if found is None:
        made = insert(row).values(
            id=uuid7(),
            tenant_id=limit.tenant,
            subject_id=limit.subject,
            measure=limit.measure,
            starts_at=window.start,
            ends_at=window.end,
        )
        session.execute(made.on_conflict_do_nothing(index_elements=["subject_id", "measure", "starts_at"]))
        found = session.execute(query).one()
    return found.id, found.spent


def leased(session: Session, window: UUID) -> int:
    """The sum of the leases of a window that count."""
    row = QuotaLeaseRow
    return int(
        session.scalar(select(func.coalesce(func.sum(row.amount), 0)).where(row.window_id == window, _ALIVE)) or 0
    )


def add_lease(session: Session, lease: UUID, tenant: UUID, window: UUID, amount: int) -> None:
    """Lease so much, on top of what this lease has."""
    row = QuotaLeaseRow
    made = insert(row).values(id=lease, tenant_id=tenant, window_id=window, amount=amount, expires_at=_EXPIRES)
    session.execute(
        made.on_conflict_do_update(
            index_elements=["id"],
            # one that had expired was lent to others already: its holder may spend nothing of it any more
            set_={"amount": case((_ALIVE, row.amount), else_=0) + amount, "expires_at": _EXPIRES},
        )
    )


def renew(session: Session, leases: Sequence[UUID]) -> frozenset[UUID]:
    """Let these count on; those that still did."""
    row = QuotaLeaseRow
    renewed = update(row).where(row.id.in_(leases), _ALIVE).values(expires_at=_EXPIRES).returning(row.id)
    return frozenset(session.scalars(renewed))


def shrink(session: Session, lease: UUID, amount: int) -> None:
    """Take so much off a lease."""
    row = QuotaLeaseRow
    session.execute(update(row).where(row.id == lease).values(amount=func.greatest(row.amount - amount, 0)))


def spend(session: Session, window: UUID, amount: int) -> None:
    """Count so much as spent; its window is locked until this transaction ends."""
    row = QuotaWindowRow
    session.execute(update(row).where(row.id == window).values(spent=row.spent + amount))


def forget_leases(session: Session) -> int:
    """Delete leases that count no more; how many went."""
    gone = session.execute(delete(QuotaLeaseRow).where(~_ALIVE).returning(QuotaLeaseRow.id))
    return len(gone.all())


def forget_windows(session: Session, before: datetime) -> int:
    """Delete windows that ended before this moment; how many went."""
    row = QuotaWindowRow
    return len(session.execute(delete(row).where(row.ends_at < before).returning(row.id)).all())


def page_of_quotas(
    session: Session, tenant: UUID, after: UUID | None, limit: int, subject: UUID | None
) -> Sequence[QuotaRow]:
    """Quotas of a tenant after an id, or those of one subject."""
    query = select(QuotaRow).where(QuotaRow.tenant_id == tenant).order_by(QuotaRow.id).limit(limit)
    if after is not None:
        query = query.where(QuotaRow.id > after)
    if subject is not None:
        query = query.where(QuotaRow.subject_id == subject)
    return session.scalars(query).all()


def quota_of_key(session: Session, key: UUID) -> QuotaRow | None:
    """The quota of one key."""
    return session.scalars(select(QuotaRow).where(QuotaRow.kind == "key", QuotaRow.subject_id == key)).one_or_none()


def quota(session: Session, tenant: UUID, which: UUID, *, lock: bool = False) -> QuotaRow | None:
    """One quota of a tenant."""
    query = select(QuotaRow).where(QuotaRow.tenant_id == tenant, QuotaRow.id == which)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def used(session: Session, subject: UUID, measure: Measure, start: datetime) -> int:
    """What is spent of a window, and what workers hold of it."""
    row = QuotaWindowRow
    query = select(row.id, row.spent).where(row.subject_id == subject, row.measure == measure, row.starts_at == start)
    found = session.execute(query).first()
    return 0 if found is None else found.spent + leased(session, found.id)


def take_stock(session: Session, document: UUID) -> StockRow | None:
    """Remove what a document takes, and tell it."""
    row = StockRow
    gone = delete(row).where(row.document_id == document).returning(row)
    return session.scalars(gone, execution_options={"synchronize_session": False}).one_or_none()


def add_stock(session: Session, tenant: UUID, document: UUID, size: int, by: Adder) -> None:
    """What a document takes, and on whose account."""
    values = {"document_id": document, "tenant_id": tenant, "user_id": by.user, "key_id": by.key, "bytes": size}
    session.execute(insert(StockRow).values(**values))


def count_stock(
    session: Session, tenant: UUID, subjects: Sequence[UUID], documents: int, size: int
) -> dict[UUID, tuple[int, int]]:
    """Add to the sums of different subjects, which are locked in this order and stay so; the sums."""
    row = StockSumRow
    added = {"tenant_id": tenant, "documents": documents, "bytes": size}
    made = insert(row).values([{**added, "subject_id": subject} for subject in subjects])
    made = made.on_conflict_do_update(
        index_elements=["tenant_id", "subject_id"],
        set_={"documents": row.documents + documents, "bytes": row.bytes + size},
    )
    found = session.execute(made.returning(row.subject_id, row.documents, row.bytes))
    return {one.subject_id: (one.documents, one.bytes) for one in found}


def stock(session: Session, tenant: UUID, subject: UUID) -> tuple[int, int]:
    """The documents and bytes of a subject."""
    row = StockSumRow
    query = select(row.documents, row.bytes).where(row.tenant_id == tenant, row.subject_id == subject)
    found = session.execute(query).first()
    return (found.documents, found.bytes) if found else (0, 0)


def forget_records(session: Session, before: datetime, most: int = 10_000) -> int:
    """Delete up to ``most`` records of before this moment that are summed; how many went."""
    row = UsageRecordRow
    return take_away(session, row.request_id, and_(row.started_at < before, row.rolled), most)


def forget_hours(session: Session, before: datetime) -> int:
    """Delete sums of before this moment; how many went."""
    row = UsageHourRow
    return len(session.execute(delete(row).where(row.hour < before).returning(row.id)).all())


def windows_of(session: Session, leases: Sequence[UUID]) -> dict[UUID, UUID]:
    """The window of each of these leases that there is."""
    row = QuotaLeaseRow
    found = session.execute(select(row.id, row.window_id).where(row.id.in_(leases)))
    return {one.id: one.window_id for one in found}


def end_leases(session: Session, leases: Sequence[UUID]) -> None:
    """Nothing of these counts any more."""
    session.execute(delete(QuotaLeaseRow).where(QuotaLeaseRow.id.in_(leases)))
