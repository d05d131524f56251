"""The LDAP server: bind and paged search, always over TLS that Python's own ``ssl`` checks.

ldap3 speaks the protocol; of its TLS nothing is used but the request for StartTLS, since it checks names with what
Python has given up. Nothing is ever sent before TLS stands, no referral is followed, no alias dereferenced.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import ldap3
from ldap3.core.exceptions import (
    LDAPExceptionError,
    LDAPInvalidCredentialsResult,
    LDAPOperationResult,
)
from ldap3.utils.conv import escape_filter_chars

from appliance.drivers.fetcher import pinned
from appliance.drivers.ldap.port import Found, LdapDown, LdapRefused, Query

SECONDS: Final = 10
PAGE: Final = 500
Security = Literal["ldaps", "starttls"]


def escaped(value: str) -> str:
    """A value as it may stand in a filter (RFC 4515 §3)."""
    return str(escape_filter_chars(value))


class _CheckedTls(ldap3.Tls):  # type: ignore[misc] # ldap3 ships no types
    """StartTLS and LDAPS by a context that checks chain and name."""

    def __init__(self, host: str, ca: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = host
        self._context = ssl.create_default_context(cadata=ca)

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ANN401, ARG002, FBT001, FBT002 - ldap3 calls it
        """Put TLS on the connection's socket, and see with whom."""
        plain = connection.socket
        try:
            connection.socket = self._context.wrap_socket(plain, server_hostname=self._host)
        except OSError:
            plain.close()
            raise


@dataclass(frozen=True, slots=True)
class LdapServer:
    """The real one. ``ca``: PEM of the authority that signed its certificate; None: the system's."""

    host: str
    port: int
    security: Security
    bind_dn: str
    bind_password: str = field(repr=False)
    ca: str | None = None

    def search(self, query: Query) -> list[Found]:
        """As ``Ldap``."""
        with self._connected(self.bind_dn, self.bind_password) as connection:
            pages = connection.extend.standard.paged_search(
                query.base,
                query.filter,
                attributes=list(query.attributes),
                dereference_aliases=ldap3.DEREF_NEVER,
                paged_size=PAGE,
                time_limit=SECONDS,
                generator=True,
            )
            return _entries(pages, query.limit)

    def knows(self, dn: str, password: str) -> bool:
        """As ``Ldap``. An empty password is none: RFC 4513 lets anybody bind with it, as nobody."""
        if not password or not dn:
            return False
        try:
            with self._connected(dn, password):
                return True
        except LdapRefused:
            return False

    @contextmanager
    def _connected(self, dn: str, password: str) -> Iterator[Any]:
        try:
            server = ldap3.Server(
                pinned(self.host, self.port),
                self.port,
                use_ssl=self.security == "ldaps",
                get_info=ldap3.NONE,
                tls=_CheckedTls(self.host, self.ca),
                connect_timeout=SECONDS,
            )
            connection = ldap3.Connection(
                server,
                dn,
                password,
                auto_bind=ldap3.AUTO_BIND_NONE,
                auto_referrals=False,
                check_names=False,
                raise_exceptions=True,
                receive_timeout=SECONDS,
                read_only=True,
            )
        except (LDAPExceptionError, ssl.SSLError) as error:
            raise LdapDown(f"{self.host}: {_said(error)}", retry_after=30) from error
        try:
            connection.open()
            if self.security == "starttls":
                connection.start_tls(read_server_info=False)
            connection.bind(read_server_info=False)
            yield connection
        except LDAPInvalidCredentialsResult as error:
            raise LdapRefused("the LDAP server does not know this name and password") from error
        except LDAPOperationResult as error:
            raise LdapRefused(f"the LDAP server refused: {error.description}") from error
        except (LDAPExceptionError, ssl.SSLError, OSError) as error:
            raise LdapDown(f"{self.host}: {_said(error)}", retry_after=30) from error
        finally:
            _end(connection)


def _end(connection: Any) -> None:  # noqa: ANN401 - ldap3's
    """Unbind and close: after a failed handshake ldap3 does neither."""
    held = connection.socket
    with suppress(LDAPExceptionError, OSError):
        connection.unbind()
    if held is not None:
        held.close()


def _entries(pages: Any, limit: int) -> list[Found]:  # noqa: ANN401 - ldap3's dictionaries
    found: list[Found] = []
    for entry in pages:
        if entry["type"] != "searchResEntry":
            continue  # a reference to another server: not followed
        if len(found) >= limit:
            raise LdapRefused(f"more than {limit} entries: narrow the base or the filter")
        values = {name.lower(): tuple(_text(one) for one in raw) for name, raw in entry["raw_attributes"].items()}
        found.append(Found(entry["dn"], values))
    return found


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return value.hex() if "\0" in text else text


def _said(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
