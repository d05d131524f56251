"""The people and groups that access lists name, and somebody else's view for an administrator. One tenant's session."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.access.principal import Principal, TenantId
from appliance.access.readers import Readers
from appliance.tenants import repository
from appliance.tenants.authentication import principal_of
from appliance.tenants.errors import GroupNotFound, UserNotFound
from appliance.tenants.tables import GroupRow, UserRow


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody, or a group, with the name that people know."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """The groups and users of an access list, by name; deleted groups are not among them."""

    groups: tuple[Named, ...]
    users: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Viewed:
    """A user as access rules see it. ``active``: may sign in."""

    principal: Principal
    login: str
    active: bool


def names(session: Session, tenant: TenantId, readers: Readers) -> Names:
    """Who is meant."""
    groups = select(GroupRow.id, GroupRow.name).where(GroupRow.tenant_id == tenant, GroupRow.id.in_(readers.groups))
    users = select(UserRow.id, UserRow.login).where(UserRow.tenant_id == tenant, UserRow.id.in_(readers.users))
    return Names(
        tuple(Named(row.id, row.name) for row in session.execute(groups.order_by(GroupRow.name))),
        tuple(Named(row.id, row.login) for row in session.execute(users.order_by(UserRow.login))),
    )


def check(session: Session, tenant: TenantId, readers: Readers) -> None:
    """Raise GroupNotFound or UserNotFound for an entry that is none of this tenant's."""
    found = names(session, tenant, readers)
    if len(found.groups) < len(readers.groups):
        raise GroupNotFound
    if len(found.users) < len(readers.users):
        raise UserNotFound


def viewed(session: Session, tenant: TenantId, user: UUID) -> Viewed:
    """A user of the tenant, with no credential: for its access rules, not for its permissions. Raises UserNotFound."""
    row = repository.user(session, tenant, user)
    if row is None:
        raise UserNotFound
    principal = replace(principal_of(session, row), scopes=frozenset())
    return Viewed(principal, row.login, row.state == "active")


def groups_named(session: Session, tenant: TenantId, names: Iterable[str]) -> dict[str, UUID]:
    """The groups of these names; those that there are not are left out."""
    query = select(GroupRow.name, GroupRow.id).where(GroupRow.tenant_id == tenant, GroupRow.name.in_(list(names)))
    return {row.name: row.id for row in session.execute(query)}


def users_named(session: Session, tenant: TenantId, logins: Iterable[str]) -> dict[str, UUID]:
    """The users of these logins; those that there are not are left out."""
    query = select(UserRow.login, UserRow.id).where(UserRow.tenant_id == tenant, UserRow.login.in_(list(logins)))
    return {row.login: row.id for row in session.execute(query)}
