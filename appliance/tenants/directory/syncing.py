"""Bringing a tenant's people to what its LDAP directory says: first a plan, then its carrying out, change by change.

A change that is refused (a login that is another's, the last operator) is told and does not stop the others. An answer
without anybody, where there was somebody, is taken for a mistake in the settings and changes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Role, TenantId
from appliance.audit.service import Audit
from appliance.kit.errors import ApplianceError, Conflict
from appliance.tenants import repository as people_rows
from appliance.tenants.directory import repository
from appliance.tenants.directory.ldap_source import Member, Read
from appliance.tenants.directory.memberships import Memberships
from appliance.tenants.directory.provisioning import Kind, Person, Provisioning
from appliance.tenants.directory.repository import Equal, Linked
from appliance.tenants.directory.settings import LdapSettings, highest
from appliance.tenants.directory.tables import DirectoryLinkRow
from appliance.tenants.room import Room
from appliance.tenants.tables import UserRow

KIND: Kind = "ldap"
SUSPENDED = "suspended"
"""In a link's attributes: the directory suspended this user, so the directory may resume."""
HELD = "held"
"""In an ended link's attributes: the user was suspended by hand when the directory let go, so only a hand resumes."""


class NobodyFound(Conflict):
    """The directory showed nobody, where it answers for people here."""

    code = "nobody_found"
    advice = "Check base and filter: 'appliance directory test ldap'. To take all away, suspend the tenant."


class Act(StrEnum):
    """What a change does."""

    ADMIT = "admit"
    CHANGE = "change"
    SUSPEND = "suspend"
    RESUME = "resume"
    RELEASE = "release"
    GROUPS = "groups"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do about one person. ``user`` None: not here yet."""

    act: Act
    login: str
    user: UUID | None
    member: Member | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Here:
    """A person whom the directory answers for, as it is now. ``held``: suspended by hand, so only a hand resumes."""

    user: UUID
    external: str
    login: str
    name: str
    active: bool
    held: bool
    role: Role
    groups: frozenset[str]


def ours(settings: LdapSettings, member: Member) -> frozenset[str]:
    """Our names of a member's groups."""
    mapping = settings.groups
    return member.groups if mapping is None else frozenset(mapping[g] for g in member.groups if g in mapping)


def plan(settings: LdapSettings, read: Read, here: Sequence[Here]) -> tuple[Change, ...]:
    """What must change, taking before giving. Raises :class:`NobodyFound`."""
    if here and not read.members:
        raise NobodyFound
    known = {each.external: each for each in here}
    there = {member.id for member in read.members}
    taken = [Change(Act.RELEASE, each.login, each.user, None) for each in here if each.external not in there]
    changes = [change for member in read.members for change in _of(settings, member, known.get(member.id))]
    order = {Act.SUSPEND: 0, Act.RELEASE: 0, Act.ROLE: 1, Act.GROUPS: 1}
    return tuple(taken + sorted(changes, key=lambda change: order.get(change.act, 2)))


def _of(settings: LdapSettings, member: Member, here: Here | None) -> Iterator[Change]:
    if here is None:
        if member.active:
            yield Change(Act.ADMIT, member.login, None, member)
        return
    if here.active != member.active and not here.held:
        yield Change(Act.RESUME if member.active else Act.SUSPEND, member.login, here.user, member)
    if (here.login, here.name) != (member.login, member.name):
        yield Change(Act.CHANGE, member.login, here.user, member, f"{here.login} → {member.login}")
    if settings.group_base is not None and here.groups != ours(settings, member):
        lost, won = sorted(here.groups - ours(settings, member)), sorted(ours(settings, member) - here.groups)
        yield Change(Act.GROUPS, member.login, here.user, member, _told(lost, won))
    wanted = highest(settings.roles, member.groups)
    if settings.roles and here.role is not wanted and (not here.role.of_the_appliance or wanted.of_the_appliance):
        yield Change(Act.ROLE, member.login, here.user, member, f"{here.role} → {wanted}")


def _told(lost: Sequence[str], won: Sequence[str]) -> str:
    return ", ".join([f"-{name}" for name in lost] + [f"+{name}" for name in won])


def _person(act: Act, member: Member, row: UserRow, link: DirectoryLinkRow) -> Person:
    """Renaming and suspending are two changes, so that a name that is taken keeps nobody's access."""
    if act is Act.CHANGE:
        return Person(member.login, member.name, row.state == "active", member.id, link.attributes)
    return Person(row.login, row.name, member.active, member.id, {SUSPENDED: not member.active})


@dataclass(frozen=True, slots=True)
class By:
    """Who asked for a sync (None: its time had come), and what the licence has room for."""

    room: Room
    actor: UUID | None = None


def here(session: Session, tenant: TenantId) -> tuple[Here, ...]:
    """Everybody whom the directory answers for."""
    linked = {row.id: link.external or row.name for row, link in repository.groups(session, tenant, KIND)}
    rows = repository.users(session, tenant, KIND)
    inside: dict[UUID, set[str]] = {}
    for user, group in repository.memberships(session, tenant, [row.id for row, _ in rows]):
        if group.id in linked:
            inside.setdefault(user, set()).add(linked[group.id])
    return tuple(
        Here(
            row.id,
            link.external or "",
            row.login,
            row.name,
            row.state == "active",
            row.state != "active" and not link.attributes.get(SUSPENDED),
            Role(row.role),
            frozenset(inside.get(row.id, ())),
        )
        for row, link in rows
    )


class Sync:
    """One sync of one tenant, in the caller's transaction."""

    def __init__(self, session: Session, tenant: TenantId, settings: LdapSettings, by: By) -> None:
        self._session = session
        self._tenant = tenant
        self._settings = settings
        self._hand = Provisioning(session, tenant, Audit(session, tenant, by.actor), KIND, by.room)

    def carry_out(self, change: Change) -> str | None:
        """Do it, in a savepoint; the code of the refusal if it is refused."""
        nested: AbstractContextManager[object] = self._session.begin_nested()
        try:
            with nested:
                self._do(change)
        except ApplianceError as error:
            return error.code
        return None

    def _do(self, change: Change) -> None:
        member = change.member
        if member is None:
            row, link = self._linked(change)
            held = row.state != "active" and not link.attributes.get(SUSPENDED)
            self._hand.release(row, link)
            link.attributes = {HELD: held}
            return
        if change.act is Act.ADMIT:
            row = self._admitted(member)
            self._settle(row.id, member)
            if self._settings.roles:
                self._hand.give_role(row, highest(self._settings.roles, member.groups))
            return
        row, link = self._linked(change)
        if change.act is Act.GROUPS:
            self._settle(row.id, member)
        elif change.act is Act.ROLE:
            self._hand.give_role(row, highest(self._settings.roles, member.groups))
        else:
            self._hand.change(row, link, _person(change.act, member, row, link))

    def _admitted(self, member: Member) -> UserRow:
        """Who was here before is known by the id, whatever the login is now. Who was suspended by hand stays so."""
        link = repository.link(self._session, self._tenant, KIND, member.id)
        if link is not None and link.user_id is not None:
            row = people_rows.user(self._session, self._tenant, link.user_id, lock=True)
            if row is not None:
                active = not link.attributes.get(HELD)
                self._hand.bring_back(row, link, Person(member.login, member.name, active, member.id))
                return row
        found = repository.user_named(self._session, self._tenant, member.login)
        active = found is None or found.state == "active"
        return self._hand.admit(Person(member.login, member.name, active, member.id))[0]

    def _settle(self, user: UUID, member: Member) -> None:
        if self._settings.group_base is not None:
            named = self._settings.groups is not None
            groups = Memberships(self._session, self._tenant, self._hand, KIND, named=named)
            groups.settle(user, ours(self._settings, member))

    def _linked(self, change: Change) -> Linked:
        return repository.users(self._session, self._tenant, KIND, Equal(id=change.user), lock=True)[0]
