"""Queries on tenants, users and credentials."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.tenants.tables import ApiKeyRow, SignInRow, TenantRow, UserRow


def tenant(session: Session, tenant_id: UUID) -> TenantRow | None:
    """One tenant."""
    return session.get(TenantRow, tenant_id)


def tenants(session: Session, after: UUID | None, limit: int) -> Sequence[TenantRow]:
    """Tenants by id, those after ``after``."""
    query = select(TenantRow).order_by(TenantRow.id).limit(limit)
    return session.scalars(query.where(TenantRow.id > after) if after else query).all()


def tenant_named(session: Session, name: str) -> TenantRow | None:
    """The tenant of this name."""
    return session.scalars(select(TenantRow).where(TenantRow.name == name)).one_or_none()


def users(session: Session, tenant_id: UUID, after: UUID | None, limit: int) -> Sequence[UserRow]:
    """A tenant's users by id."""
    query = select(UserRow).where(UserRow.tenant_id == tenant_id).order_by(UserRow.id).limit(limit)
    return session.scalars(query.where(UserRow.id > after) if after else query).all()


def user(session: Session, tenant_id: UUID, user_id: UUID) -> UserRow | None:
    """One user of one tenant."""
    return session.scalars(select(UserRow).where(UserRow.tenant_id == tenant_id, UserRow.id == user_id)).one_or_none()


def user_by_login(session: Session, login: str) -> tuple[UserRow, TenantRow] | None:
    """The user of this login with the tenant."""
    query = select(UserRow, TenantRow).join(TenantRow, TenantRow.id == UserRow.tenant_id).where(UserRow.login == login)
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def by_key(session: Session, key_hash: bytes) -> tuple[ApiKeyRow, UserRow, TenantRow] | None:
    """The API key with this hash, its user and tenant."""
    query = (
        select(ApiKeyRow, UserRow, TenantRow)
        .join(UserRow, UserRow.id == ApiKeyRow.user_id)
        .join(TenantRow, TenantRow.id == UserRow.tenant_id)
        .where(ApiKeyRow.hash == key_hash)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def spend_sign_in(session: Session, token_hash: bytes, now: datetime) -> tuple[UserRow, TenantRow] | None:
    """Use a one-time token up. Of two callers at once only one finds it unused."""
    spent = session.execute(
        update(SignInRow)
        .where(SignInRow.hash == token_hash, SignInRow.used_at.is_(None), SignInRow.expires_at > now)
        .values(used_at=now)
        .returning(SignInRow.user_id)
    ).scalar_one_or_none()
    if spent is None:
        return None
    query = select(UserRow, TenantRow).join(TenantRow, TenantRow.id == UserRow.tenant_id).where(UserRow.id == spent)
    row = session.execute(query).one()
    return (row[0], row[1])
