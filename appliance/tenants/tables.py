"""Tenants, users and credentials. ``appliance`` is the appliance's own single row."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base


class TenantRow(Base):
    """One customer of the appliance: a company, or a department that must not see another."""

    __tablename__ = "tenants"
    __table_args__ = (CheckConstraint("state in ('active', 'suspended')", name="state"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    created_at: Mapped[Created]


class UserRow(Base):
    """A person or service who signs in."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("login"),
        CheckConstraint("role in ('operator', 'tenant_admin', 'member')", name="role"),
        CheckConstraint("state in ('active', 'suspended')", name="state"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    login: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    password_hash: Mapped[str | None]
    created_at: Mapped[Created]


class ApiKeyRow(Base):
    """A bearer key; only its SHA-256 is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "user_id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    user_id: Mapped[UUID]
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    created_at: Mapped[Created]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]


class SignInRow(Base):
    """A one-time sign-in token: made by the first ``up`` or ``sign-in reset``."""

    __tablename__ = "sign_ins"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "user_id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    user_id: Mapped[UUID]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[Created]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class IdempotencyRow(Base):
    """The answer already given to a create that carried an ``Idempotency-Key``."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "user_id", "key"),)

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    key: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    body: Mapped[Json]
    created_at: Mapped[Created]
