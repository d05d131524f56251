"""Who signed in at the company's provider becomes a user here: found, adopted or made, with the claims' groups."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Role, TenantId
from appliance.tenants import repository as people_rows
from appliance.tenants.directory import repository
from appliance.tenants.directory.errors import LoginTaken, SignInRefused
from appliance.tenants.directory.memberships import Memberships
from appliance.tenants.directory.provisioning import Kind, Person, Provisioning
from appliance.tenants.directory.settings import OidcSettings, highest
from appliance.tenants.directory.tables import DirectoryLinkRow
from appliance.tenants.tables import UserRow

KIND: Final[Kind] = "oidc"
_LONGEST: Final = 200
_MOST_GROUPS: Final = 500


class Arrivals:
    """Sign-ins of one tenant, in the caller's transaction."""

    def __init__(self, session: Session, tenant: TenantId, settings: OidcSettings, hand: Provisioning) -> None:
        self._session = session
        self._tenant = tenant
        self._settings = settings
        self._hand = hand

    def arrive(self, claims: Mapping[str, Any]) -> UUID:
        """The user of these claims, brought up to date. Raises :class:`SignInRefused`, :class:`LoginTaken`.

        A suspended user stays suspended, whatever the provider says: the session is then refused.
        """
        told = self._groups(claims)
        external = f"{self._settings.issuer}\n{claims['sub']}"
        link = repository.link(self._session, self._tenant, KIND, external)
        if link is not None and link.user_id is not None:
            row = self._known(link.user_id)
            if link.gone_at is not None:
                raise SignInRefused
            self._renamed(row, link, claims, external)
        else:
            row = self._new(claims, external)
        if told is not None:
            named = self._settings.groups is not None
            groups = Memberships(self._session, self._tenant, self._hand, KIND, named=named)
            groups.settle(row.id, self._mapped(told))
            self._give_role(row, told)
        return row.id

    def _known(self, user: UUID) -> UserRow:
        row = people_rows.user(self._session, self._tenant, user, lock=True)
        if row is None:
            raise SignInRefused
        return row

    def _renamed(self, row: UserRow, link: DirectoryLinkRow, claims: Mapping[str, Any], external: str) -> None:
        """The name follows the provider, unless another directory answers for the account; the login stays."""
        others = repository.links_of(self._session, self._tenant, row.id)
        if all(other.kind == KIND for other in others):
            person = Person(row.login, self._name(claims, row.login), row.state == "active", external)
            self._hand.change(row, link, person)

    def _new(self, claims: Mapping[str, Any], external: str) -> UserRow:
        login = self._login(claims)
        found = repository.user_named(self._session, self._tenant, login)
        if found is None:
            if not self._settings.create:
                raise SignInRefused
            return self._hand.admit(Person(login, self._name(claims, login), external=external))[0]
        handed_in = any(
            link.kind != KIND and link.gone_at is None
            for link in repository.links_of(self._session, self._tenant, found.id)
        )
        if not (handed_in or self._settings.adopt):
            raise LoginTaken(f"the login {login!r} is of an account that was made here by hand")
        return self._hand.admit(Person(found.login, found.name, found.state == "active", external))[0]

    def _login(self, claims: Mapping[str, Any]) -> str:
        value = claims.get(self._settings.login_claim)
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or "\0" in value:
            raise SignInRefused(f"the claim {self._settings.login_claim} tells no login")
        if self._settings.login_claim == "email" and claims.get("email_verified") is not True:
            raise SignInRefused("the provider has not verified the address")  # anybody could claim another's
        return value

    def _name(self, claims: Mapping[str, Any], login: str) -> str:
        value = claims.get(self._settings.name_claim)
        return value[:_LONGEST] if isinstance(value, str) and value.strip() and "\0" not in value else login

    def _groups(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        """The directory's groups; None: they are not taken from here. A claim left out is none: access goes with it."""
        name = self._settings.groups_claim
        if name is None:
            return None
        if name in (claims.get("_claim_names") or {}):
            raise SignInRefused(
                "the provider left the groups out, since they are too many: let it send only those needed"
            )
        value = claims.get(name, [])
        groups = [value] if isinstance(value, str) else value
        if not isinstance(groups, list) or len(groups) > _MOST_GROUPS or not all(isinstance(g, str) for g in groups):
            raise SignInRefused(f"the claim {name} holds no list of groups")
        return frozenset(group[:_LONGEST] for group in groups if group.strip() and "\0" not in group)

    def _mapped(self, told: frozenset[str]) -> frozenset[str]:
        """Our names of the directory's groups."""
        mapping = self._settings.groups
        return told if mapping is None else frozenset(mapping[group] for group in told if group in mapping)

    def _give_role(self, row: UserRow, told: frozenset[str]) -> None:
        wanted = highest(self._settings.roles, told)
        if self._settings.roles and (not Role(row.role).of_the_appliance or wanted.of_the_appliance):
            self._hand.give_role(row, wanted)
