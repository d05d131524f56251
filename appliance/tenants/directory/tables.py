"""What a tenant has set up of its directory, and which users and groups come from it."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base


class DirectoryRow(Base):
    """One tenant's connection to an OIDC provider or an LDAP server. ``secret`` is sealed (``kit.crypto.Seal``)."""

    __tablename__ = "directories"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind"),
        CheckConstraint("kind in ('oidc', 'ldap')", name="kind"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    settings: Mapped[Json]
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[Created]
    changed_at: Mapped[Moment] = mapped_column(server_default=text("now()"))
    synced_at: Mapped[Moment | None]
    due_at: Mapped[Moment | None]


class DirectoryLinkRow(Base):
    """A user or group that a directory answers for; ``external`` is its name there. ``gone_at``: no longer there."""

    __tablename__ = "directory_links"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "group_id"], ["groups.tenant_id", "groups.id"], ondelete="CASCADE"),
        CheckConstraint("kind in ('oidc', 'ldap', 'scim')", name="kind"),
        CheckConstraint("num_nonnulls(user_id, group_id) = 1", name="one"),
        UniqueConstraint("tenant_id", "kind", "user_id"),
        UniqueConstraint("tenant_id", "kind", "group_id"),
        Index(None, "tenant_id", "kind", "external"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    user_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    external: Mapped[str | None]
    attributes: Mapped[Json]
    created_at: Mapped[Created]
    changed_at: Mapped[Moment] = mapped_column(server_default=text("now()"))
    gone_at: Mapped[Moment | None]
