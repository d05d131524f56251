"""Queries on a tenant's directory. Every one names the tenant; row security stands behind that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from appliance.tenants.directory.settings import pause
from appliance.tenants.directory.tables import DirectoryLinkRow, DirectoryRow
from appliance.tenants.tables import GroupMemberRow, GroupRow, UserRow

Linked = tuple[UserRow, DirectoryLinkRow]
LinkedGroup = tuple[GroupRow, DirectoryLinkRow]


@dataclass(frozen=True, slots=True)
class Equal:
    """What a linked user or group must be equal to; None: anything. ``name`` is compared without case."""

    id: UUID | None = None
    name: str | None = None
    external: str | None = None


ANY = Equal()


def _users(tenant: UUID, kind: str) -> Select[UserRow, DirectoryLinkRow]:
    link = DirectoryLinkRow
    return (
        select(UserRow, link)
        .join(link, (link.tenant_id == UserRow.tenant_id) & (link.user_id == UserRow.id))
        .where(UserRow.tenant_id == tenant, link.kind == kind, link.gone_at.is_(None))
    )


def _groups(tenant: UUID, kind: str) -> Select[GroupRow, DirectoryLinkRow]:
    link = DirectoryLinkRow
    return (
        select(GroupRow, link)
        .join(link, (link.tenant_id == GroupRow.tenant_id) & (link.group_id == GroupRow.id))
        .where(GroupRow.tenant_id == tenant, link.kind == kind, link.gone_at.is_(None))
    )


def users(session: Session, tenant: UUID, kind: str, equal: Equal = ANY, *, lock: bool = False) -> list[Linked]:
    """The users that a directory answers for, by id; with ``lock`` as they are now."""
    query = _users(tenant, kind).order_by(UserRow.id)
    if equal.id is not None:
        query = query.where(UserRow.id == equal.id)
    if equal.name is not None:
        query = query.where(func.lower(UserRow.login) == equal.name.lower())
    if equal.external is not None:
        query = query.where(DirectoryLinkRow.external == equal.external)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return [(row[0], row[1]) for row in session.execute(query)]


def groups(session: Session, tenant: UUID, kind: str, equal: Equal = ANY, *, lock: bool = False) -> list[LinkedGroup]:
    """The groups that a directory answers for, by id; with ``lock`` as they are now."""
    query = _groups(tenant, kind).order_by(GroupRow.id)
    if equal.id is not None:
        query = query.where(GroupRow.id == equal.id)
    if equal.name is not None:
        query = query.where(func.lower(GroupRow.name) == equal.name.lower())
    if equal.external is not None:
        query = query.where(DirectoryLinkRow.external == equal.external)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return [(row[0], row[1]) for row in session.execute(query)]


def user_named(session: Session, tenant: UUID, login: str) -> UserRow | None:
    """The user of this login in the tenant, whatever its case."""
    query = select(UserRow).where(UserRow.tenant_id == tenant, func.lower(UserRow.login) == login.lower())
    return session.scalars(query.order_by(UserRow.id).limit(1).with_for_update()).one_or_none()


def links_of(session: Session, tenant: UUID, user: UUID) -> Sequence[DirectoryLinkRow]:
    """Every link of a user, ended ones too."""
    link = DirectoryLinkRow
    return session.scalars(select(link).where(link.tenant_id == tenant, link.user_id == user).order_by(link.id)).all()


def link(session: Session, tenant: UUID, kind: str, external: str) -> DirectoryLinkRow | None:
    """A user's link by its name in the directory, an ended one too."""
    row = DirectoryLinkRow
    query = select(row).where(row.tenant_id == tenant, row.kind == kind, row.external == external)
    return session.scalars(query.where(row.user_id.is_not(None)).limit(1)).one_or_none()


def members(session: Session, tenant: UUID, groups: Iterable[UUID]) -> list[tuple[UUID, UserRow]]:
    """Who is in these groups: (group, user), by user."""
    row = GroupMemberRow
    query = (
        select(row.group_id, UserRow)
        .join(UserRow, (UserRow.tenant_id == row.tenant_id) & (UserRow.id == row.user_id))
        .where(row.tenant_id == tenant, row.group_id.in_(list(groups)))
        .order_by(UserRow.id)
    )
    return [(found[0], found[1]) for found in session.execute(query)]


def memberships(session: Session, tenant: UUID, users: Iterable[UUID]) -> list[tuple[UUID, GroupRow]]:
    """In which groups these users are: (user, group), by group."""
    row = GroupMemberRow
    query = (
        select(row.user_id, GroupRow)
        .join(GroupRow, (GroupRow.tenant_id == row.tenant_id) & (GroupRow.id == row.group_id))
        .where(row.tenant_id == tenant, row.user_id.in_(list(users)))
        .order_by(GroupRow.id)
    )
    return [(found[0], found[1]) for found in session.execute(query)]


def directory(session: Session, tenant: UUID, kind: str, *, lock: bool = False) -> DirectoryRow | None:
    """How a tenant is connected to a directory of this kind."""
    query = select(DirectoryRow).where(DirectoryRow.tenant_id == tenant, DirectoryRow.kind == kind)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def of_kind(session: Session, kind: str) -> Sequence[DirectoryRow]:
    """Every tenant's directory of this kind, in a system session."""
    return session.scalars(select(DirectoryRow).where(DirectoryRow.kind == kind).order_by(DirectoryRow.tenant_id)).all()


def due(session: Session, now: datetime) -> Sequence[DirectoryRow]:
    """The directories whose sync is due, each put off to its next time: of two who look at once, one gets it."""
    row = DirectoryRow
    query = select(row).where(row.due_at <= now).with_for_update(skip_locked=True).limit(100)
    found = session.scalars(query).all()
    for each in found:
        later = pause(each.settings)
        session.execute(update(row).where(row.id == each.id).values(due_at=None if later is None else now + later))
    return found


def synced(session: Session, tenant: UUID, kind: str, now: datetime) -> None:
    """Note that a sync has come to its end."""
    row = DirectoryRow
    session.execute(update(row).where(row.tenant_id == tenant, row.kind == kind).values(synced_at=now))
