"""Tenants, users and credentials. ``appliance`` is the appliance's own single row."""

from typing import Annotated
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base
from appliance.tenants.directory import tables as directory_tables  # noqa: F401 - whoever asks for the slice's tables gets these

Version = Annotated[int, mapped_column(server_default=text("1"))]
"""Counts the changes of a row: its ETag."""


class TenantRow(Base):
    """One customer of the appliance: a company, or a department that must not see another.

    Of a deleted one the row stays, without its name and settings: the audit record refers to it.
    """

    __tablename__ = "tenants"
    __table_args__ = (CheckConstraint("state in ('active', 'suspended', 'deleting', 'deleted')", name="state"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    settings: Mapped[Json]
    version: Mapped[Version]
    created_at: Mapped[Created]


class UserRow(Base):
    """A person or service who signs in."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("login"),
        CheckConstraint("role in ('operator', 'auditor', 'tenant_admin', 'editor', 'member')", name="role"),
        CheckConstraint("state in ('active', 'suspended')", name="state"),
        CheckConstraint("kind in ('person', 'service')", name="kind"),
        CheckConstraint("kind = 'person' or password_hash is null", name="service_has_no_password"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(server_default=text("'person'"))
    login: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    password_hash: Mapped[str | None]
    version: Mapped[Version]
    created_at: Mapped[Created]


class GroupRow(Base):
    """A named set of users; access lists of documents name it as ``group:<id>``. Groups hold no groups."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "name"))

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    version: Mapped[Version]
    created_at: Mapped[Created]


class GroupMemberRow(Base):
    """A user in a group."""

    __tablename__ = "group_members"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "group_id"], ["groups.tenant_id", "groups.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "user_id"),
    )

    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[Tenant]


class ApiKeyRow(Base):
    """A bearer key; only its SHA-256 is kept. Empty ``scopes`` or ``models``: not limited to any."""

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
    models: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    created_at: Mapped[Created]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]


class SessionRow(Base):
    """A browser's session; only its secret's SHA-256 is kept. It ends idle, at ``expires_at``, or revoked."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "user_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    user_id: Mapped[UUID]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    how: Mapped[str]
    source: Mapped[str | None]
    device: Mapped[str]
    idle_seconds: Mapped[int]
    created_at: Mapped[Created]
    seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[Moment | None]


class SecondFactorRow(Base):
    """A person's one-time codes: the app's secret, sealed; hashes of the recovery codes that are left.

    ``last_step`` is the last one whose code was used: none is taken twice. Asked for once ``confirmed_at`` is set.
    """

    __tablename__ = "second_factors"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[Tenant]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    recovery: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    last_step: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[Created]
    confirmed_at: Mapped[Moment | None]


class SignInCountRow(Base):
    """Failed sign-ins of a login, a source, or a login from a source: ``subject`` is a digest of which."""

    __tablename__ = "sign_in_counts"
    __table_args__ = (Index(None, "last_at"),)

    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[Moment]
    blocked_until: Mapped[Moment | None]


class InvitationRow(Base):
    """A person who is asked in; only the SHA-256 of the link's secret is kept."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role in ('operator', 'auditor', 'tenant_admin', 'editor', 'member')", name="role"),
        Index(None, "tenant_id", "login"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    login: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    group_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    mail: Mapped[str | None]
    mail_state: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[Created]
    expires_at: Mapped[Moment]
    accepted_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    user_id: Mapped[UUID | None]


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


class TenantDeletionRow(Base):
    """The deletion of a tenant, which it outlives. ``tally``: how many of each kind went, a digest over their names."""

    __tablename__ = "tenant_deletions"
    __table_args__ = (CheckConstraint("state in ('requested', 'withdrawn', 'confirmed', 'done')", name="state"),)

    tenant: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    token: Mapped[bytes] = mapped_column(LargeBinary)
    requested_by: Mapped[UUID | None]
    requested_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    confirmed_by: Mapped[UUID | None]
    confirmed_at: Mapped[Moment | None]
    job: Mapped[UUID | None]
    tally: Mapped[Json]
    certificate: Mapped[str | None]


class TenantExportRow(Base):
    """An export of a tenant: with content or without; its size and digest once the archive is written."""

    __tablename__ = "tenant_exports"
    __table_args__ = (Index(None, "tenant_id", "id"), Index(None, "expires_at"))

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    requested_by: Mapped[UUID]
    content: Mapped[bool]
    job: Mapped[UUID]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    created_at: Mapped[Created]
    expires_at: Mapped[Moment]
