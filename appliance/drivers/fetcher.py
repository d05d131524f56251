"""The one fetcher of addresses that others name: it reaches what an operator allowed, and nothing else.

The address is parsed once, by one parser, and whatever two parsers could read differently is refused. The name is
resolved once, every answer is looked at, and the socket goes to the very address that was looked at (TLS still checks
the name): a second answer of the resolver changes nothing. Redirects are not followed.
"""

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx

from appliance.kit.errors import Refused, Unavailable

LARGEST: Final = 1024 * 1024
SECONDS: Final = 10.0
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_PLAIN: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # printable ASCII without space and backslash
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]


class AddressRefused(Refused):
    """This address is not one that may be reached."""

    code = "address_refused"
    advice = "Let an operator check the address; only hosts that are configured are reached, over https."


class NotFetched(Unavailable):
    """What should be fetched did not come."""

    code = "not_fetched"
    advice = "Check that the other side runs and that this server reaches it."


@dataclass(frozen=True, slots=True)
class Where:
    """An address, parsed: what is connected to and what is asked there."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def literal(self) -> Address | None:
        """The host as an IP address, if it is written as one."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """Host and port for the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Where:
    """The parts of an address. Raises :class:`AddressRefused` for anything that could be read in two ways."""
    if not _PLAIN.fullmatch(url):
        raise AddressRefused("the address holds characters that none may hold")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("the address is malformed") from error
    if parts.scheme not in ("https", "http") or "@" in parts.netloc or parts.fragment or not parts.hostname:
        raise AddressRefused("the address must be https://host/…, without a user and without a fragment")
    host = parts.hostname
    where = Where(
        parts.scheme,
        host,
        port or {"https": 443, "http": 80}[parts.scheme],
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if where.literal is None and (
        not _NAME.fullmatch(host) or host.rpartition(".")[2].isdigit() or host.startswith("0x")
    ):
        raise AddressRefused("the address names no host")  # 127.1 and 0x7f000001 are numbers that a resolver takes
    return where


def permitted(address: Address, *, literal: bool) -> bool:
    """Whether a socket may go there: a company's own networks too, loopback only where it was written as a number."""
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if mapped is not None:
        return False
    if address.is_loopback:
        return literal
    return not (address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved)


class Fetch(Protocol):
    """Get or post, and have the JSON document that came."""

    def get(self, url: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        """Raises :class:`AddressRefused`, :class:`NotFetched`."""
        ...

    def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Any:  # noqa: ANN401 - as above
        """Post a form, with a name and secret as RFC 6749 §2.3.1 has them."""
        ...


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotFetched(f"{host} has no address", retry_after=10) from error
    return [str(each[4][0]) for each in found]


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Reaches these hosts alone. ``ca``: PEM of the authority that signs them, instead of the system's."""

    hosts: frozenset[tuple[str, int]]
    ca: str | None = None
    resolver: Resolve = field(default=resolve, repr=False)

    def get(self, url: str) -> Any:  # noqa: ANN401 - JSON of many shapes
        """As :class:`Fetch`."""
        return self._asked("GET", url)

    def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Any:  # noqa: ANN401 - as above
        """As :class:`Fetch`."""
        return self._asked("POST", url, data=dict(form), auth=httpx.BasicAuth(*basic) if basic else None)

    def _asked(self, method: str, url: str, **content: Any) -> Any:  # noqa: ANN401 - httpx's own
        where = self.checked(url)
        pinned = self._pinned(where)
        host = f"[{pinned}]" if pinned.version == 6 else str(pinned)  # noqa: PLR2004 - IPv6
        headers = {"host": where.authority, "accept": "application/json", "accept-encoding": "identity"}
        client = httpx.Client(timeout=SECONDS, trust_env=False, follow_redirects=False, verify=self._trust(where))
        try:
            with (
                client,
                client.stream(
                    method,
                    f"{where.scheme}://{host}:{where.port}{where.target}",
                    headers=headers,
                    extensions={"sni_hostname": where.host},
                    **content,
                ) as answer,
            ):
                return _document(answer, where)
        except httpx.HTTPError as error:
            raise NotFetched(f"{where.host} did not answer: {type(error).__name__}", retry_after=10) from error

    def checked(self, url: str) -> Where:
        """The address, if it may be reached. In clear only to a loopback that is written as a number."""
        where = parse(url)
        if (where.host, where.port) not in self.hosts:
            raise AddressRefused(f"{where.host}:{where.port} is not one of the configured hosts")
        clear = where.literal is not None and where.literal.is_loopback
        if where.scheme != "https" and not clear:
            raise AddressRefused("only https is reached")
        return where

    def _pinned(self, where: Where) -> Address:
        return ipaddress.ip_address(pinned(where.host, where.port, self.resolver))

    def _trust(self, where: Where) -> ssl.SSLContext | bool:
        if where.scheme != "https":
            return True
        return ssl.create_default_context(cadata=self.ca)


def _document(answer: httpx.Response, where: Where) -> Any:  # noqa: ANN401 - JSON of many shapes
    if answer.is_redirect:
        raise AddressRefused(f"{where.host} leads elsewhere, and is not followed")
    body = b""
    for piece in answer.iter_raw():
        body += piece
        if len(body) > LARGEST:
            raise NotFetched(f"{where.host} sent more than {LARGEST} bytes")
    if answer.is_error:
        raise NotFetched(f"{where.host} answered {answer.status_code}", retry_after=10, answered=answer.status_code)
    try:
        return httpx.Response(200, content=body).json()
    except (ValueError, RecursionError) as error:
        raise NotFetched(f"{where.host} sent no JSON") from error


def pinned(host: str, port: int, resolver: Resolve = resolve) -> str:
    """The one address of a host that a socket goes to. Raises :class:`AddressRefused`, :class:`NotFetched`."""
    literal = Where("https", host, port, "/").literal
    found = [literal] if literal else [ipaddress.ip_address(each) for each in resolver(host, port)]
    if not found or not all(permitted(each, literal=literal is not None) for each in found):
        raise AddressRefused(f"{host} lies at an address that may not be reached")
    return str(found[0])


class Pages:
    """The double: documents by address, and a log of what was asked. A callable is called with the posted form."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self.documents = dict(documents)
        self.asked: list[tuple[str, Mapping[str, str] | None]] = []

    def get(self, url: str) -> Any:  # noqa: ANN401 - as Fetch
        """As :class:`Fetch`."""
        return self._page(url, None)

    def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Any:  # noqa: ANN401 - as Fetch
        """As :class:`Fetch`."""
        return self._page(url, {**form, **({"basic": ":".join(basic)} if basic else {})})

    def _page(self, url: str, form: Mapping[str, str] | None) -> Any:  # noqa: ANN401 - as Fetch
        self.asked.append((url, form))
        if url not in self.documents:
            raise NotFetched(f"{url} is not there")
        found = self.documents[url]
        return found(form) if callable(found) else found
