"""What people ask of their LDAP directory while they wait: to be let in, and what a sync would do.

No database session is held while the directory is asked.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.kit import crypto, log
from appliance.kit.crypto import Seal, Unsealable
from appliance.kit.ids import uuid7
from appliance.tenants import repository as people_rows
from appliance.tenants.directory import repository
from appliance.tenants.directory.configuring import Opened, opened
from appliance.tenants.directory.errors import DirectoryNotSetUp, DirectoryUnreadable
from appliance.tenants.directory.ldap_source import Reach, Read, entry_of, reach, read
from appliance.tenants.directory.settings import LdapSettings, stored
from appliance.tenants.directory.syncing import KIND, Change, here, plan
from appliance.tenants.directory.tables import DirectoryRow

_logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """A user whom a directory handed in, as ``external`` there."""

    user: UUID
    external: str
    settings: LdapSettings
    secret: str = field(repr=False)


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
        known = self._known(login)
        if known is None:
            return None
        ldap = self.reach(known.settings, known.secret)
        dn = entry_of(ldap, known.settings, login, known.external)
        return known.user if dn is not None and ldap.knows(dn, password) else None

    def pretend(self, login: str, password: str) -> None:
        """Ask as much as :meth:`prove` does for a login that it asks of, where it was not asked.

        Else the time that a refusal takes tells which logins a directory has handed in. Called after a refusal only, so
        that who signs in with a password of ours waits for no directory. Raises ``LdapDown`` as that does.
        """
        if self._known(login) is not None:
            return
        with self.databases.system.session() as session:
            kept = [each for row in repository.of_kind(session, KIND) if (each := self._openable(row)) is not None]
        asked = []
        for each in kept:
            with suppress(DirectoryUnreadable):
                told = stored(LdapSettings, each.settings)
                asked += [(told, each.secret or "")] if told.sign_in else []
        if asked:
            settings, secret = asked[crypto.digest(login)[0] % len(asked)]
            ldap = self.reach(settings, secret)
            entry_of(ldap, settings, login, "")
            ldap.knows(f"cn={uuid7()},{settings.user_base}", password)

    def _known(self, login: str) -> "_Known | None":
        """Whose directory handed this login in, if it is asked for passwords."""
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
            kept = self._openable(row)
        if kept is None:
            return None
        settings = stored(LdapSettings, kept.settings)
        return _Known(user.id, external, settings, kept.secret or "") if settings.sign_in else None

    def _openable(self, row: DirectoryRow) -> Opened | None:
        """None for a lost secret: who signs in cannot mend it, and gets the answer of any wrong password."""
        try:
            return opened(row, self.seal)
        except Unsealable as error:
            _logger.warning("a directory's secret cannot be opened", tenant=str(row.tenant_id), advice=error.advice)
            return None

    def _opened(self, tenant: UUID) -> tuple[LdapSettings, str]:
        with self.databases.system.session() as session:
            row = repository.directory(session, tenant, KIND)
            if row is None:
                raise DirectoryNotSetUp
            kept = opened(row, self.seal)
        return stored(LdapSettings, kept.settings), kept.secret or ""
