"""Groups of one tenant: flat, named sets of users that access lists of documents can name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.audit.service import Audit
from appliance.kit import paging
from appliance.tenants import etags, repository
from appliance.tenants.errors import GroupNotFound, NameTaken, UserNotFound
from appliance.tenants.names import taken_once
from appliance.tenants.tables import GroupRow


@dataclass(frozen=True, slots=True)
class Group:
    """A group as callers see it. ``version`` counts its changes of name, not of members."""

    id: UUID
    name: str
    members: int
    version: int
    created_at: datetime


class Groups:
    """The groups of one tenant."""

    def __init__(self, session: Session, tenant: TenantId, audit: Audit) -> None:
        self._session = session
        self._tenant = tenant
        self._audit = audit

    def create(self, name: str) -> Group:
        """A new group without members. Raises :class:`NameTaken`."""
        self._free(name)
        row = GroupRow(tenant_id=self._tenant, name=name)
        with taken_once(self._session, name):
            self._session.add(row)
        self._audit.record("group.create", row.id, name=name)
        return self._view(row)

    def list(self, cursor: str | None, limit: int, name: str | None = None) -> paging.Page[Group]:
        """A page of groups, or the one of this name."""
        rows = repository.groups(self._session, self._tenant, paging.decode(cursor), limit + 1, name)
        return paging.page([self._view(row) for row in rows], limit, [row.id for row in rows])

    def show(self, group: UUID) -> Group:
        """One group. Raises :class:`GroupNotFound`."""
        return self._view(self._one(group))

    def rename(self, group: UUID, if_match: str | None, name: str) -> Group:
        """Give it another name; access lists go on naming it, since they hold its id. Raises :class:`NameTaken`."""
        row = self._one(group, lock=True)
        etags.check(row.version, if_match)
        if name != row.name:
            self._free(name)
            with taken_once(self._session, name):
                row.name = name
        row.version += 1
        self._session.flush()
        self._audit.record("group.rename", group, name=name)
        return self._view(row)

    def delete(self, group: UUID) -> None:
        """Forget it. What only its members could read, nobody can read until its access list is changed."""
        self._session.delete(self._one(group, lock=True))
        self._session.flush()
        self._audit.record("group.delete", group)

    def add(self, group: UUID, user: UUID) -> None:
        """Make a user a member; harmless to repeat. Raises :class:`UserNotFound`."""
        self._one(group)
        if repository.user(self._session, self._tenant, user) is None:
            raise UserNotFound
        if repository.join_group(self._session, self._tenant, group, user):
            self._audit.record("group.add_member", group, user=str(user))

    def remove(self, group: UUID, user: UUID) -> None:
        """Take a member out; harmless to repeat. Raises :class:`UserNotFound` for a user that there is not."""
        self._one(group)
        if repository.user(self._session, self._tenant, user) is None:
            raise UserNotFound
        if repository.leave_group(self._session, self._tenant, group, user):
            self._audit.record("group.remove_member", group, user=str(user))

    def _one(self, group: UUID, *, lock: bool = False) -> GroupRow:
        row = repository.group(self._session, self._tenant, group, lock=lock)
        if row is None:
            raise GroupNotFound
        return row

    def _free(self, name: str) -> None:
        if repository.groups(self._session, self._tenant, None, 1, name):
            raise NameTaken.about(name)

    def _view(self, row: GroupRow) -> Group:
        count = repository.member_count(self._session, self._tenant, row.id)
        return Group(row.id, row.name, count, row.version, row.created_at)
