"""Queries on tenants, users and credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.tenants.tables import (
    ApiKeyRow,
    GroupMemberRow,
    GroupRow,
    SessionRow,
    SignInRow,
    TenantDeletionRow,
    TenantRow,
    UserRow,
)

R = TypeVar("R", TenantRow, UserRow, ApiKeyRow, GroupRow, SessionRow)


_SEATED = (UserRow.state == "active", UserRow.kind == "person")


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users: None in a field is any."""

    login: str | None = None
    state: str | None = None
    role: str | None = None
    kind: str | None = None
    group: UUID | None = None


def tenant(session: Session, tenant_id: UUID, *, lock: bool = False) -> TenantRow | None:
    """One tenant."""
    return session.get(TenantRow, tenant_id, with_for_update=lock or None)


def tenants(
    session: Session, after: UUID | None, limit: int, state: str | None = None, name: str | None = None
) -> Sequence[TenantRow]:
    """Tenants by id, those after ``after``; tombstones only where that state is asked for."""
    query = select(TenantRow).order_by(TenantRow.id).limit(limit)
    if state is None:
        query = query.where(TenantRow.state != "deleted")
    return session.scalars(_where(query, TenantRow, after, state=state, name=name)).all()


def tenant_named(session: Session, name: str) -> TenantRow | None:
    """The tenant of this name."""
    return session.scalars(select(TenantRow).where(TenantRow.name == name)).one_or_none()


def users(session: Session, tenant_id: UUID, after: UUID | None, limit: int, wanted: UserFilter) -> Sequence[UserRow]:
    """A tenant's users by id."""
    query = select(UserRow).where(UserRow.tenant_id == tenant_id).order_by(UserRow.id).limit(limit)
    equal = {"login": wanted.login, "state": wanted.state, "role": wanted.role, "kind": wanted.kind}
    query = _where(query, UserRow, after, **equal)
    if wanted.group is not None:
        inside = select(GroupMemberRow.user_id).where(
            GroupMemberRow.tenant_id == tenant_id, GroupMemberRow.group_id == wanted.group
        )
        query = query.where(UserRow.id.in_(inside))
    return session.scalars(query).all()


def user(session: Session, tenant_id: UUID, user_id: UUID, *, lock: bool = False) -> UserRow | None:
    """One user of one tenant; with ``lock`` as it is now, and nobody else changes it until the transaction ends."""
    query = select(UserRow).where(UserRow.tenant_id == tenant_id, UserRow.id == user_id)
    return session.scalars(_locked(query) if lock else query).one_or_none()


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


def by_session(session: Session, session_hash: bytes) -> tuple[SessionRow, UserRow, TenantRow] | None:
    """The session with this hash, its user and tenant."""
    query = (
        select(SessionRow, UserRow, TenantRow)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .join(TenantRow, TenantRow.id == UserRow.tenant_id)
        .where(SessionRow.hash == session_hash)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def user_with_tenant(session: Session, user_id: UUID) -> tuple[UserRow, TenantRow] | None:
    """A user with the tenant."""
    query = select(UserRow, TenantRow).join(TenantRow, TenantRow.id == UserRow.tenant_id).where(UserRow.id == user_id)
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


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
    return user_with_tenant(session, spent)


def touch_key(session: Session, key_id: UUID, now: datetime, at_most_every: timedelta) -> None:
    """Note that a key is in use, unless that was noted a short while ago."""
    row = ApiKeyRow
    query = update(row).where(row.id == key_id, or_(row.last_used_at.is_(None), row.last_used_at < now - at_most_every))
    session.execute(query.values(last_used_at=now).execution_options(synchronize_session=False))


def touch_session(session: Session, session_id: UUID, now: datetime, at_most_every: timedelta) -> None:
    """Note that a session is in use, unless that was noted a short while ago."""
    row = SessionRow
    query = update(row).where(row.id == session_id, row.seen_at < now - at_most_every).values(seen_at=now)
    session.execute(query.execution_options(synchronize_session=False))


def user_session(session: Session, tenant_id: UUID, session_id: UUID, *, lock: bool = False) -> SessionRow | None:
    """One session of one tenant."""
    query = select(SessionRow).where(SessionRow.tenant_id == tenant_id, SessionRow.id == session_id)
    return session.scalars(_locked(query) if lock else query).one_or_none()


def user_sessions(
    session: Session, tenant_id: UUID, after: UUID | None, limit: int, user_id: UUID | None, now: datetime
) -> Sequence[SessionRow]:
    """A tenant's sessions that may be used, by id."""
    query = select(SessionRow).where(SessionRow.tenant_id == tenant_id, *_alive(now)).order_by(SessionRow.id)
    return session.scalars(_where(query.limit(limit), SessionRow, after, user_id=user_id)).all()


def end_sessions(session: Session, user_id: UUID, now: datetime, but: UUID | None) -> int:
    """Revoke a user's sessions, but one; how many that were."""
    query = update(SessionRow).where(SessionRow.user_id == user_id, *_alive(now)).values(revoked_at=now)
    if but is not None:
        query = query.where(SessionRow.id != but)
    ended = session.execute(query.returning(SessionRow.id).execution_options(synchronize_session=False))
    return len(ended.all())


def groups_of(session: Session, user_id: UUID) -> frozenset[UUID]:
    """The groups that a user is in."""
    return frozenset(session.scalars(select(GroupMemberRow.group_id).where(GroupMemberRow.user_id == user_id)))


def key(session: Session, tenant_id: UUID, key_id: UUID, *, lock: bool = False) -> ApiKeyRow | None:
    """One key of one tenant."""
    query = select(ApiKeyRow).where(ApiKeyRow.tenant_id == tenant_id, ApiKeyRow.id == key_id)
    return session.scalars(_locked(query) if lock else query).one_or_none()


def keys(
    session: Session, tenant_id: UUID, after: UUID | None, limit: int, user_id: UUID | None = None
) -> Sequence[ApiKeyRow]:
    """A tenant's keys by id."""
    query = select(ApiKeyRow).where(ApiKeyRow.tenant_id == tenant_id).order_by(ApiKeyRow.id).limit(limit)
    return session.scalars(_where(query, ApiKeyRow, after, user_id=user_id)).all()


def tenant_count(session: Session) -> int:
    """How many tenants there are, tombstones aside."""
    return session.execute(select(func.count()).select_from(TenantRow).where(TenantRow.state != "deleted")).scalar_one()


def tenants_with_setting(session: Session, member: str) -> Sequence[TenantRow]:
    """Tenants that have chosen something for a setting and are not being deleted."""
    query = select(TenantRow).where(TenantRow.state.in_(("active", "suspended")), TenantRow.settings.has_key(member))
    return session.scalars(query.order_by(TenantRow.id)).all()


def seats(session: Session) -> int:
    """How many active people there are in active tenants."""
    query = select(func.count()).select_from(UserRow).join(TenantRow, TenantRow.id == UserRow.tenant_id)
    return session.execute(query.where(TenantRow.state == "active", *_SEATED)).scalar_one()


def people_count(session: Session, tenant_id: UUID) -> int:
    """How many active people a tenant has."""
    query = select(func.count()).select_from(UserRow).where(UserRow.tenant_id == tenant_id, *_SEATED)
    return session.execute(query).scalar_one()


def deletion(session: Session, tenant: UUID, *, lock: bool = False) -> TenantDeletionRow | None:
    """The deletion of a tenant, if one was asked for."""
    query = select(TenantDeletionRow).where(TenantDeletionRow.tenant == tenant)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def group(session: Session, tenant_id: UUID, group_id: UUID, *, lock: bool = False) -> GroupRow | None:
    """One group of one tenant."""
    query = select(GroupRow).where(GroupRow.tenant_id == tenant_id, GroupRow.id == group_id)
    return session.scalars(_locked(query) if lock else query).one_or_none()


def groups(
    session: Session, tenant_id: UUID, after: UUID | None, limit: int, name: str | None = None
) -> Sequence[GroupRow]:
    """A tenant's groups by id."""
    query = select(GroupRow).where(GroupRow.tenant_id == tenant_id).order_by(GroupRow.id).limit(limit)
    return session.scalars(_where(query, GroupRow, after, name=name)).all()


def member_count(session: Session, tenant_id: UUID, group_id: UUID) -> int:
    """How many members a group has."""
    row = GroupMemberRow
    query = select(func.count()).select_from(row).where(row.tenant_id == tenant_id, row.group_id == group_id)
    return session.execute(query).scalar_one()


def join_group(session: Session, tenant_id: UUID, group_id: UUID, user_id: UUID) -> bool:
    """Make a user a member; whether that was new."""
    statement = insert(GroupMemberRow).values(tenant_id=tenant_id, group_id=group_id, user_id=user_id)
    made = session.execute(statement.on_conflict_do_nothing().returning(GroupMemberRow.user_id))
    return made.first() is not None


def leave_group(session: Session, tenant_id: UUID, group_id: UUID, user_id: UUID) -> bool:
    """Take a user out; whether it was a member."""
    row = GroupMemberRow
    statement = delete(row).where(row.tenant_id == tenant_id, row.group_id == group_id, row.user_id == user_id)
    return session.execute(statement.returning(row.user_id)).first() is not None


def _alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    row = SessionRow
    idle = func.make_interval(0, 0, 0, 0, 0, 0, row.idle_seconds)
    return row.revoked_at.is_(None), row.expires_at > now, row.seen_at + idle > now


def _locked(query: Select[R]) -> Select[R]:
    return query.with_for_update().execution_options(populate_existing=True)


def _where(query: Select[R], row: type[R], after: UUID | None, **equal: object) -> Select[R]:
    """Rows after an id, equal in the fields that are given."""
    if after is not None:
        query = query.where(row.id > after)
    for name, value in equal.items():
        if value is not None:
            query = query.where(getattr(row, name) == value)
    return query
