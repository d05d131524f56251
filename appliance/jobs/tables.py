"""Job rows and their events. The lease columns say who works on a job now; its token fences off whoever did before."""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base


class JobRow(Base):
    """A durable piece of work."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        Index(None, "tenant_id", "state"),
        Index(None, "tenant_id", "started_at"),
        Index("ix_jobs_finished_at", "finished_at", postgresql_where=text("finished_at is not null")),
        Index("ix_jobs_waiting", "tenant_id", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_open", "state", "lease_expires_at", postgresql_where=text("state in ('queued', 'running')")),
        Index(
            "uq_jobs_key",
            "tenant_id",
            "kind",
            "key",
            unique=True,
            postgresql_where=text("state in ('queued', 'running')"),
        ),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    kind: Mapped[str]
    key: Mapped[str | None]
    args: Mapped[Json]
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    stage: Mapped[str | None]
    done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    total: Mapped[int | None] = mapped_column(BigInteger)
    result: Mapped[Json]
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    advice: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    deferrals: Mapped[int] = mapped_column(server_default=text("0"))
    asked_by: Mapped[UUID | None]
    outlives: Mapped[bool] = mapped_column(server_default=text("false"))
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    lease_owner: Mapped[str | None]
    lease_token: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    lease_expires_at: Mapped[Moment | None]
    not_before: Mapped[Moment | None]
    created_at: Mapped[Created]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]


class JobEventRow(Base):
    """One thing that happened to a job, in order of ``seq``."""

    __tablename__ = "job_events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "job_id"], ["jobs.tenant_id", "jobs.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "job_id", "seq"),
        Index(None, "created_at"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[Tenant]
    job_id: Mapped[UUID]
    kind: Mapped[str]
    data: Mapped[Json]
    created_at: Mapped[Created]
