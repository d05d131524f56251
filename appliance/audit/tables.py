"""The audit record: entries that the app login may only insert, the chain over them, and its signed heads."""

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base


class AuditEntryRow(Base):
    """Who did what to which object, from where, with what outcome. No secrets, no content."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "tenant_id", "id"),)

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    actor: Mapped[UUID | None]
    action: Mapped[str]
    object: Mapped[str | None]
    outcome: Mapped[str]
    request_id: Mapped[str | None]
    source: Mapped[str | None]
    before: Mapped[str | None]
    after: Mapped[str | None]
    details: Mapped[Json]
    created_at: Mapped[Created]


class AuditWaitingRow(Base):
    """An entry that is not yet chained. A trigger on ``audit_entries`` writes it, in the entry's own transaction."""

    __tablename__ = "audit_waiting"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)


class AuditChainRow(Base):
    """One link. No foreign key: the link outlives an entry that somebody removes, and so tells of it."""

    __tablename__ = "audit_chain"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID] = mapped_column(unique=True)
    entry_digest: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]
    sequenced_at: Mapped[Moment]


class AuditHeadRow(Base):
    """Where the chain stood at a time, signed."""

    __tablename__ = "audit_heads"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str]
    time: Mapped[str]
    appliance: Mapped[str]
    key: Mapped[str]
    signature: Mapped[str]
