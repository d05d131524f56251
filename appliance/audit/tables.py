"""The audit record. The app login may only insert; part 2's sequencer chains the entries."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Tenant
from appliance.kit.database import Base


class AuditEntryRow(Base):
    """Who did what to which object, with what outcome. No secrets, no content."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "tenant_id", "id"),)

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    actor: Mapped[UUID | None]
    action: Mapped[str]
    object: Mapped[str | None]
    outcome: Mapped[str]
    request_id: Mapped[str | None]
    details: Mapped[Json]
    created_at: Mapped[Created]
