"""A person's groups as a directory tells them: those that it answers for, and no others."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import TenantId
from appliance.tenants.directory import repository
from appliance.tenants.directory.provisioning import Kind, Provisioning
from appliance.tenants.tables import GroupRow


class Memberships:
    """The groups of one tenant that a directory answers for. ``named``: an operator named ours, so one is adopted."""

    def __init__(self, session: Session, tenant: TenantId, hand: Provisioning, kind: Kind, *, named: bool) -> None:
        self._session = session
        self._tenant = tenant
        self._hand = hand
        self._named = named
        self._groups = {link.external or row.name: row for row, link in repository.groups(session, tenant, kind)}

    def settle(self, user: UUID, wanted: Collection[str]) -> None:
        """Let the user be in exactly these of the directory's groups, by our names; made where there is none yet."""
        inside = {group.id for _, group in repository.memberships(self._session, self._tenant, [user])}
        for name in sorted(wanted):
            row = self._group(name)
            if row is not None and row.id not in inside:
                self._hand.join(row, user)
        for name, row in self._groups.items():
            if name not in wanted and row.id in inside:
                self._hand.leave(row, user)

    def _group(self, name: str) -> GroupRow | None:
        """The group; None where one made by hand has the name and nobody said that it is the directory's."""
        if name not in self._groups:
            made = self._hand.group_named(name, adopt=self._named)
            if made is None:
                return None
            self._groups[name] = made
        return self._groups[name]
