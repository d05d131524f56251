"""Model versions: appliance-wide, immutable once verified. Adapters: a tenant's, each for exactly one version."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base


class ModelVersionRow(Base):
    """A set of weight files with a digest over its manifest.

    ``accepted``: which terms of the weights' licence were accepted when it was activated, and why in spite of doubts.
    """

    __tablename__ = "model_versions"
    __table_args__ = (
        UniqueConstraint("name", "digest"),
        CheckConstraint("kind in ('language', 'encoder', 'reranker')", name="kind"),
        CheckConstraint("state in ('verified', 'tampered', 'missing')", name="state"),
        CheckConstraint("signature in ('unsigned', 'untrusted', 'verified')", name="signature"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    kind: Mapped[str]
    digest: Mapped[str]
    directory: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    languages: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    licence: Mapped[str]
    manifest: Mapped[Json]
    state: Mapped[str] = mapped_column(server_default=text("'verified'"))
    reason: Mapped[str | None]
    created_at: Mapped[Created]
    verified_at: Mapped[Moment]
    entry: Mapped[str | None]
    signature: Mapped[str] = mapped_column(server_default=text("'unsigned'"))
    signed_by: Mapped[str | None]
    activated_at: Mapped[Moment | None]
    activated_by: Mapped[UUID | None]
    accepted: Mapped[Json]


class AdapterRow(Base):
    """LoRA weights of one tenant for exactly one base version; ``version`` counts those of a name."""

    __tablename__ = "adapters"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name", "version"),
        CheckConstraint("state in ('verified', 'tampered', 'missing')", name="state"),
        Index(None, "base_id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    version: Mapped[int]
    base_id: Mapped[UUID] = mapped_column(ForeignKey("model_versions.id"))
    digest: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    rank: Mapped[int]
    modules: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    manifest: Mapped[Json]
    state: Mapped[str] = mapped_column(server_default=text("'verified'"))
    reason: Mapped[str | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[Created]
    verified_at: Mapped[Moment]
