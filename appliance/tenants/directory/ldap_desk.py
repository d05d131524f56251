"""What people ask of their LDAP directory while they wait: to be let in, and what a sync would do.

No database session is held while the directory is asked.
"""

from dataclasses import dataclass
from uuid import UUID

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.kit.crypto import Seal
from appliance.tenants import repository as people_rows
from appliance.tenants.directory import repository
from appliance.tenants.directory.configuring import opened
from appliance.tenants.directory.errors import DirectoryNotSetUp
from appliance.tenants.directory.ldap_source import Reach, Read, entry_of, reach, read
from appliance.tenants.directory.settings import LdapSettings, stored
from appliance.tenants.directory.syncing import KIND, Change, here, plan


@dataclass(frozen=True, slots=True)
class LdapDesk:
    """One for the process."""

    databases: Databases
    seal: Seal
    reach: Reach = reach

    def look(self, tenant: UUID) -> Read:
        """All that the directory shows. Raises :class:`DirectoryNotSetUp`, ``LdapDown``, ``LdapRefused``."""
        settings, secret = self._opened(tenant)
        return read(self.reach(settings, secret), settings)

    def preview(self, tenant: UUID) -> tuple[Change, ...]:
        """What a sync would change, and nothing is."""
        settings, secret = self._opened(tenant)
        found = read(self.reach(settings, secret), settings)
        with self.databases.app.session(tenant) as session:
            return plan(settings, found, here(session, TenantId(tenant)))

    def prove(self, login: str, password: str) -> UUID | None:
        """The user whose password in the directory this is; None where it is not, or where no directory is asked.

        Only for who was handed in by it, and while the entry of this login is still the same person.
        """
        with self.databases.system.session() as session:
            found = people_rows.user_by_login(session, login)
            if found is None:
                return None
            user, tenant = found
            links = repository.links_of(session, tenant.id, user.id)
            external = next((link.external for link in links if link.kind == KIND and link.gone_at is None), None)
            row = repository.directory(session, tenant.id, KIND)
            if external is None or row is None:
                return None
            kept = opened(row, self.seal)
        settings = stored(LdapSettings, kept.settings)
        if not settings.sign_in:
            return None
        ldap = self.reach(settings, kept.secret or "")
        dn = entry_of(ldap, settings, login, external)
        return user.id if dn is not None and ldap.knows(dn, password) else None

    def _opened(self, tenant: UUID) -> tuple[LdapSettings, str]:
        with self.databases.system.session() as session:
            row = repository.directory(session, tenant, KIND)
            if row is None:
                raise DirectoryNotSetUp
            kept = opened(row, self.seal)
        return stored(LdapSettings, kept.settings), kept.secret or ""
