"""What was used, what may be used, and what is leased of it."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Float, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Moment, Tenant
from appliance.kit.database import Base
from appliance.usage.measures import Kind

KINDS = f"kind in {tuple(kind.value for kind in Kind)!r}"


class UsageRecordRow(Base):
    """What one request used. Times are seconds."""

    __tablename__ = "usage_records"
    __table_args__ = (
        Index(None, "tenant_id", "started_at"),
        Index("ix_usage_records_not_rolled", "request_id", postgresql_where=text("not rolled")),
        Index(None, "started_at"),
    )

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[Tenant]  # no foreign key: a record of a tenant that is gone must not hold up the journal
    user_id: Mapped[UUID]
    key_id: Mapped[UUID | None]
    route: Mapped[str]
    model_digest: Mapped[str]
    adapter_digest: Mapped[str | None]
    outcome: Mapped[str]
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    queue_seconds: Mapped[float] = mapped_column(Float, server_default=text("0"))
    first_token_seconds: Mapped[float | None] = mapped_column(Float)
    total_seconds: Mapped[float] = mapped_column(Float)
    gpu_seconds: Mapped[float] = mapped_column(Float, server_default=text("0"))
    started_at: Mapped[Moment]
    recorded_at: Mapped[Created]
    rolled: Mapped[bool] = mapped_column(server_default=text("false"))


class QuotaRow(Base):
    """The limits of one tenant, user or key; null: not limited. ``version`` counts its changes: its ETag."""

    __tablename__ = "quotas"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "kind", "subject_id"),
        CheckConstraint(KINDS, name="kind"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    requests_per_minute: Mapped[int | None] = mapped_column(BigInteger)
    tokens_per_minute: Mapped[int | None] = mapped_column(BigInteger)
    tokens_per_day: Mapped[int | None] = mapped_column(BigInteger)
    tokens_per_month: Mapped[int | None] = mapped_column(BigInteger)
    concurrent_requests: Mapped[int | None] = mapped_column(BigInteger)
    documents: Mapped[int | None] = mapped_column(BigInteger)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    training_seconds_per_month: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[Created]


class QuotaWindowRow(Base):
    """A day or a month of one budget. ``spent``: what the drained records of it sum to."""

    __tablename__ = "quota_windows"
    __table_args__ = (UniqueConstraint("subject_id", "measure", "starts_at"), Index(None, "tenant_id"))

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    subject_id: Mapped[UUID]
    measure: Mapped[str]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    spent: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class QuotaLeaseRow(Base):
    """A block of a window that one worker may spend; it counts as spent until it expires."""

    __tablename__ = "quota_leases"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"), Index(None, "window_id"))

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    window_id: Mapped[UUID] = mapped_column(ForeignKey("quota_windows.id", ondelete="CASCADE"))
    amount: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[Moment]


class StockRow(Base):
    """A document that takes room, and on whose account; rows of before there were quotas have no user."""

    __tablename__ = "quota_stock"
    __table_args__ = (Index(None, "tenant_id"),)

    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None]
    key_id: Mapped[UUID | None]
    bytes: Mapped[int] = mapped_column(BigInteger)


class StockSumRow(Base):
    """What the documents of a tenant, a user or a key come to."""

    __tablename__ = "quota_stock_sums"

    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    documents: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)


class UsageHourRow(Base):
    """An hour's records of one caller, route and model, summed. Hours begin as the tenant's clock does."""

    __tablename__ = "usage_hours"
    __table_args__ = (
        UniqueConstraint("tenant_id", "hour", "user_id", "key_id", "route", "model_digest", "adapter_digest"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]  # no foreign key, as that of the records
    hour: Mapped[Moment]
    user_id: Mapped[UUID]
    key_id: Mapped[UUID]
    route: Mapped[str]
    model_digest: Mapped[str]
    adapter_digest: Mapped[str]
    requests: Mapped[int] = mapped_column(BigInteger)
    unfinished: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    queue_seconds: Mapped[float] = mapped_column(Float)
    total_seconds: Mapped[float] = mapped_column(Float)
    gpu_seconds: Mapped[float] = mapped_column(Float)
