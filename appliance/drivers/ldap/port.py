"""An LDAP directory as those see it who ask it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.kit.errors import Refused, Unavailable

MOST: Final = 100_000


class LdapDown(Unavailable):
    """The LDAP server cannot be reached, or its certificate is not one to trust."""

    code = "ldap_down"
    advice = "Check host, port, certificate authority and the server: 'appliance directory test ldap'."


class LdapRefused(Refused):
    """The LDAP server refused what was asked."""

    code = "ldap_refused"
    advice = "Check the bind name and password, the bases and the filters."


@dataclass(frozen=True, slots=True)
class Found:
    """An entry. Values are text; what is none (Active Directory's objectGUID) is its hex digits."""

    dn: str
    values: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str | None:
        """The first value of an attribute, whatever the case of its name."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of an attribute."""
        return self.values.get(name.lower(), ())


@dataclass(frozen=True, slots=True)
class Query:
    """A search below a base. ``limit``: more entries are an error, not a part of the answer."""

    base: str
    filter: str
    attributes: tuple[str, ...]
    limit: int = MOST


class Ldap(Protocol):
    """A directory that can be searched, and that knows passwords."""

    def search(self, query: Query) -> list[Found]:
        """Raises :class:`LdapDown`, :class:`LdapRefused`."""
        ...

    def knows(self, dn: str, password: str) -> bool:
        """Whether this is the password of this entry. Raises :class:`LdapDown`."""
        ...
