"""What a directory may do to a tenant's people: the one hand that SCIM, OIDC and LDAP act through.

It gives and takes only what it answers for (a link names the directory). It adopts an account made here by hand when
the login is the same, but never one with a role of the appliance; and it gives such a role only if an operator said
so. It may take from anybody who is linked, an operator too, but never the last one (``tenants.operators``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Role, TenantId
from appliance.audit.service import Audit
from appliance.kit import clock
from appliance.tenants import repository as people_rows
from appliance.tenants.directory import repository
from appliance.tenants.directory.errors import LoginTaken, NotTheDirectorys
from appliance.tenants.directory.tables import DirectoryLinkRow
from appliance.tenants.groups import Groups
from appliance.tenants.names import taken_once
from appliance.tenants.people import People
from appliance.tenants.room import Room
from appliance.tenants.tables import GroupRow, UserRow

Kind = Literal["oidc", "ldap", "scim"]
ANY_STATE = "*"
"""If-Match of a directory's changes: it has looked at the row under a lock."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the directory tells it. ``attributes`` are kept to be told again, nothing here reads them."""

    login: str
    name: str
    active: bool = True
    external: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Provisioning:
    """The users and groups of one tenant that a directory of one kind answers for. Harmless to repeat."""

    def __init__(self, session: Session, tenant: TenantId, audit: Audit, kind: Kind, room: Room) -> None:
        self._session = session
        self._tenant = tenant
        self._audit = audit
        self._kind = kind
        self._people = People(session, tenant, audit, None, room)
        self._groups = Groups(session, tenant, audit)

    def admit(self, person: Person) -> tuple[UserRow, DirectoryLinkRow]:
        """Make, adopt or bring back the user of this login. Raises :class:`LoginTaken`."""
        found = repository.user_named(self._session, self._tenant, person.login)
        if found is None:
            made = self._people.add(person.login, person.name, Role.MEMBER)
            row = self._user(made.id)
            link = self._linked(user=row.id, person=person)
            if not person.active:
                self._people.suspend(row.id)
        else:
            row, link = found, self._adopted(found, person)
            self._set(row, link, person)
        self._session.flush()
        return row, link

    def change(self, row: UserRow, link: DirectoryLinkRow, person: Person) -> None:
        """Bring a linked user to what the directory says. Raises :class:`LoginTaken`, ``LastOperator``."""
        other = repository.user_named(self._session, self._tenant, person.login)
        if other is not None and other.id != row.id:
            raise LoginTaken(f"another user has the login {person.login!r}")
        self._set(row, link, person)

    def bring_back(self, row: UserRow, link: DirectoryLinkRow, person: Person) -> None:
        """The directory has this person again. Raises as :meth:`change`."""
        self.change(row, link, person)
        link.gone_at = None
        self._session.flush()

    def release(self, row: UserRow, link: DirectoryLinkRow) -> None:
        """The directory has this person no more: suspended at once, kept so that the record stays whole."""
        self._activate(row, active=False)
        self._leave_all(row)
        link.gone_at = link.changed_at = clock.now()
        self._session.flush()
        self._audit.record("directory.release", row.id, directory=self._kind)

    def group(self, name: str, external: str | None = None) -> tuple[GroupRow, DirectoryLinkRow]:
        """A new group that the directory answers for. Raises ``NameTaken``: a group made here is not taken over."""
        made = self._groups.create(name)
        row = people_rows.group(self._session, self._tenant, made.id)
        assert row is not None  # noqa: S101 - made two lines above
        return row, self._linked(group=row.id, external=external)

    def group_named(self, name: str, *, adopt: bool) -> GroupRow | None:
        """The group of this name, from now on the directory's; None for one made by hand that is not to be adopted."""
        there = people_rows.groups(self._session, self._tenant, None, 1, name)
        if not there:
            return self.group(name, name)[0]
        self._audit.record("directory.adopt" if adopt else "directory.skip", there[0].id, directory=self._kind)
        if not adopt:
            return None
        self._linked(group=there[0].id, external=name)
        return there[0]

    def change_group(self, row: GroupRow, link: DirectoryLinkRow, name: str, external: str | None) -> None:
        """Another name, or another name of it there. Raises ``NameTaken``."""
        if name != row.name:
            self._groups.rename(row.id, ANY_STATE, name)
        link.external, link.changed_at = external, clock.now()
        self._session.flush()

    def set_members(self, group: GroupRow, wanted: frozenset[UUID]) -> None:
        """Make these users its only members; they must be ones that the directory answers for."""
        present = {user.id for _, user in repository.members(self._session, self._tenant, [group.id])}
        fresh = wanted - present
        if fresh:
            known = {user.id for user, _ in repository.users(self._session, self._tenant, self._kind)}
            if unknown := fresh - known:
                raise NotTheDirectorys(f"{min(unknown)} is no user of this directory")
        for user in sorted(present - wanted):
            self._groups.remove(group.id, user)
        for user in sorted(fresh):
            self._groups.add(group.id, user)

    def join(self, group: GroupRow, user: UUID) -> None:
        """Make a user a member."""
        self._groups.add(group.id, user)

    def leave(self, group: GroupRow, user: UUID) -> None:
        """Take a member out."""
        self._groups.remove(group.id, user)

    def drop_group(self, row: GroupRow) -> None:
        """Forget a group: what only it could read, nobody can."""
        self._groups.delete(row.id)

    def give_role(self, row: UserRow, role: Role) -> None:
        """Give the role that the person's groups say; the caller knows that it may be given."""
        if row.role != role:
            self._people.change(row.id, ANY_STATE, role=role)
            self._session.refresh(row)

    def _set(self, row: UserRow, link: DirectoryLinkRow, person: Person) -> None:
        if row.login != person.login:
            with taken_once(self._session, person.login):
                row.login = person.login
            self._audit.record("user.rename", row.id)
        if row.name != person.name:
            self._people.change(row.id, ANY_STATE, name=person.name)
        self._activate(row, active=person.active)
        link.external, link.attributes, link.changed_at = person.external, dict(person.attributes), clock.now()
        self._session.flush()
        self._session.refresh(row)

    def _activate(self, row: UserRow, *, active: bool) -> None:
        if active and row.state != "active":
            self._people.resume(row.id)
        elif not active and row.state == "active":
            self._people.suspend(row.id)

    def _adopted(self, row: UserRow, person: Person) -> DirectoryLinkRow:
        """The link of a user who is here already."""
        mine = [link for link in repository.links_of(self._session, self._tenant, row.id) if link.kind == self._kind]
        for link in mine:
            if link.gone_at is None or not _same(link.external, person.external):
                raise LoginTaken(f"the login {person.login!r} is another's")
            link.gone_at = None  # the same person came back
            return link
        if Role(row.role).of_the_appliance or row.kind == "service":
            raise LoginTaken(f"the login {person.login!r} is of an account that no directory takes over")
        self._audit.record("directory.adopt", row.id, directory=self._kind)
        return self._linked(user=row.id, person=person)

    def _linked(
        self,
        *,
        user: UUID | None = None,
        group: UUID | None = None,
        person: Person | None = None,
        external: str | None = None,
    ) -> DirectoryLinkRow:
        link = DirectoryLinkRow(
            tenant_id=self._tenant,
            kind=self._kind,
            user_id=user,
            group_id=group,
            external=person.external if person else external,
            attributes=dict(person.attributes) if person else {},
        )
        self._session.add(link)
        self._session.flush()
        self._session.refresh(link)
        return link

    def _leave_all(self, row: UserRow) -> None:
        for _, group in repository.memberships(self._session, self._tenant, [row.id]):
            self._groups.remove(group.id, row.id)

    def _user(self, user: UUID) -> UserRow:
        row = people_rows.user(self._session, self._tenant, user)
        assert row is not None  # noqa: S101 - its caller has just made it
        return row


def _same(one: str | None, other: str | None) -> bool:
    """Whether two names in the directory can be of one person: a login used again by somebody else has another."""
    return one is None or other is None or one == other
