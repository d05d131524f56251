"""One row for each inference, inserted once by its request id."""

from uuid import UUID

from sqlalchemy import BigInteger, Float, Index
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Moment, Tenant
from appliance.kit.database import Base


class UsageRecordRow(Base):
    """What one request used. Times are seconds."""

    __tablename__ = "usage_records"
    __table_args__ = (Index(None, "tenant_id", "started_at"),)

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
    first_token_seconds: Mapped[float | None] = mapped_column(Float)
    total_seconds: Mapped[float] = mapped_column(Float)
    started_at: Mapped[Moment]
    recorded_at: Mapped[Created]
