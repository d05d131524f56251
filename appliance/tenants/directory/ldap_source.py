"""What an LDAP directory holds, read whole: people and groups as this tenant's settings name them."""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.drivers.ldap.port import Found, Ldap, Query
from appliance.tenants.directory.settings import LdapSettings

_DISABLED = 2
"""ACCOUNTDISABLE in Active Directory's userAccountControl."""
_LONGEST = 200
Reach = Callable[[LdapSettings, str], Ldap]


def reach(settings: LdapSettings, secret: str) -> Ldap:
    """The real server of these settings."""
    from appliance.drivers.ldap.server import LdapServer  # noqa: PLC0415 - a quarter of a second, for those with LDAP

    return LdapServer(settings.host, settings.reached_port, settings.security, settings.bind_dn, secret, settings.ca)


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the directory. ``groups``: the directory's names of them."""

    id: str
    dn: str
    login: str
    name: str
    active: bool
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Read:
    """All people, and how many entries could not be used: without login or id."""

    members: tuple[Member, ...]
    groups: int
    unusable: int


def read(ldap: Ldap, settings: LdapSettings) -> Read:
    """Everything. Raises ``LdapDown``, ``LdapRefused``."""
    people = ldap.search(_people(settings, settings.user_filter))
    inside: dict[str, set[str]] = {}
    groups = [] if settings.group_base is None else ldap.search(_groups(settings, settings.group_base))
    for group in groups:
        name = group.one(settings.group_name_attribute)
        for dn in group.all(settings.member_attribute) if name else ():
            inside.setdefault(dn.casefold(), set()).add(str(name)[:100])
    found = [_member(entry, settings, frozenset(inside.get(entry.dn.casefold(), ()))) for entry in people]
    members = tuple(member for member in found if member is not None)
    return Read(members, len(groups), len(found) - len(members))


def entry_of(ldap: Ldap, settings: LdapSettings, login: str, identity: str) -> str | None:
    """The one entry's name (DN) that has this login and is this person; None for none, and for several."""
    from appliance.drivers.ldap.server import escaped  # noqa: PLC0415 - as above

    wanted = f"(&{settings.user_filter}({settings.login_attribute}={escaped(login)}))"
    found = ldap.search(_people(settings, wanted, limit=10))
    same = len(found) == 1 and found[0].one(settings.id_attribute) == identity
    return found[0].dn if same else None


def _people(settings: LdapSettings, wanted: str, limit: int = 100_000) -> Query:
    names = (settings.id_attribute, settings.login_attribute, settings.name_attribute, "userAccountControl")
    return Query(settings.user_base, wanted, names, limit)


def _groups(settings: LdapSettings, base: str) -> Query:
    return Query(base, settings.group_filter, (settings.group_name_attribute, settings.member_attribute))


def _member(entry: Found, settings: LdapSettings, groups: frozenset[str]) -> Member | None:
    identity, login = entry.one(settings.id_attribute), entry.one(settings.login_attribute)
    if not identity or not login or not login.strip() or len(login) > _LONGEST:
        return None
    control = entry.one("userAccountControl") or "0"
    active = not (control.lstrip("-").isdigit() and int(control) & _DISABLED)
    return Member(identity, entry.dn, login, (entry.one(settings.name_attribute) or login)[:_LONGEST], active, groups)
