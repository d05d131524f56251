"""What sources on the network may reach: public addresses, and of the others the hosts that the operator allows.

A name is resolved once, every answer is looked at, and the socket goes to the very address that was looked at (TLS
checks the name all the same). Nothing follows a redirect by itself: where one leads is looked at like any address.
"""

import io
import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from appliance.drivers.fetcher import Address, AddressRefused, NotFetched, Resolve, Where, parse, resolve
from appliance.drivers.sources.port import NOT_FETCHED, ItemRefused, Skip, SourceUnreachable
from appliance.kit import clock

AGENT: Final = "appliance-sources/1.0"
SECONDS: Final = 30.0
LONGEST: Final = 600.0
"""Seconds that one answer may take as a whole: a server that sends a byte now and then holds nobody up."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/32")  # both prefixes of RFC 6052 and 8215 that hide an IPv4 address


def public(address: Address) -> bool:
    """Whether everybody may be sent there: no network of a company, of this machine, of a cloud's insides."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo or address in _NAT64
    ):
        return False
    return address.is_global and not address.is_multicast


def allowed(address: Address) -> bool:
    """Whether a host that the operator allows may lie there: in the company or here, but at no link-local address."""
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo):
        return False
    usual = address.is_private or address.is_global
    return usual and not (address.is_link_local or address.is_multicast or address.is_unspecified)


@dataclass(frozen=True, slots=True)
class Reach:
    """``hosts``: ``name`` or ``name:port`` of those that the operator allows; of any other, public addresses only."""

    hosts: frozenset[str] = frozenset()
    resolver: Resolve = field(default=resolve, repr=False)

    def trusted(self, where: Where) -> bool:
        """Whether the operator named it."""
        return bool(self.hosts & {where.host, f"{where.host}:{where.port}"})

    def pinned(self, where: Where) -> Address:
        """The one address that a socket goes to. Raises AddressRefused, NotFetched."""
        literal = where.literal
        texts = [str(literal)] if literal else self.resolver(where.host, where.port)
        found = [ipaddress.ip_address(each.partition("%")[0]) for each in texts]
        may = allowed if self.trusted(where) else public
        if not found or not all(may(each) for each in found):
            raise AddressRefused(f"{where.host} lies at an address that may not be reached")
        return found[0]

    def sealed(self, where: Where) -> Where:
        """For what carries credentials: https, or a host that the operator allows. Raises AddressRefused."""
        if where.scheme != "https" and not self.trusted(where):
            raise AddressRefused("credentials go over https only, but for hosts that the operator allows")
        return where


class Http:
    """HTTP within a reach. One connection pool a host, so that no certificate stands for another name."""

    def __init__(self, reach: Reach, ca: str | None = None) -> None:
        self.reach = reach
        self._ca = ca
        self._clients: dict[tuple[str, str, int], tuple[httpx.Client, str]] = {}

    def close(self) -> None:
        """Let go of all connections."""
        for client, _ in self._clients.values():
            client.close()
        self._clients.clear()

    @contextmanager
    def asked(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Iterator[httpx.Response]:
        """The answer, its body unread. Raises AddressRefused, NotFetched."""
        where = parse(url)
        client, base = self._client(where)
        told = {"host": where.authority, "accept-encoding": "identity", "user-agent": AGENT, **(headers or {})}
        try:
            with client.stream(
                method,
                base + where.target,
                headers=told,
                content=content,
                extensions={"sni_hostname": where.host},
            ) as answer:
                yield answer
        except httpx.HTTPError as error:
            raise NotFetched(f"{where.host} did not answer: {type(error).__name__}") from error

    def _client(self, where: Where) -> tuple[httpx.Client, str]:
        key = (where.scheme, where.host, where.port)
        if key not in self._clients:
            pinned = self.reach.pinned(where)
            host = f"[{pinned}]" if isinstance(pinned, ipaddress.IPv6Address) else str(pinned)
            verify: Any = ssl.create_default_context(cadata=self._ca) if where.scheme == "https" else True
            client = httpx.Client(timeout=SECONDS, trust_env=False, follow_redirects=False, verify=verify)
            self._clients[key] = (client, f"{where.scheme}://{host}:{where.port}")
        return self._clients[key]


class Pieces(io.RawIOBase):
    """An answer's body as a file, to be read once; ends with NotFetched past its time. Not decoded."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        if answer.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise NotFetched("the answer is compressed, which was not asked for")
        self._pieces = answer.iter_raw()
        self._rest = b""
        self._until = clock.monotonic() + LONGEST

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - io's own
        """As io.RawIOBase."""
        while not self._rest:
            if clock.monotonic() > self._until:
                raise NotFetched("the answer took too long")
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def whole(answer: httpx.Response, most: int) -> bytes:
    """A body of at most so many bytes. Raises NotFetched."""
    body = io.BufferedReader(Pieces(answer)).read(most + 1)
    if len(body) > most:
        raise NotFetched(f"the answer is longer than {most} bytes")
    return body


@contextmanager
def of_one() -> Iterator[None]:
    """What goes wrong with one thing is that thing's failure, and not the source's."""
    try:
        yield
    except (AddressRefused, NotFetched) as error:
        raise ItemRefused(Skip(NOT_FETCHED, error.detail, "fail")) from error


@contextmanager
def unreachable() -> Iterator[None]:
    """What is wrong with an address or a server, as a source tells it."""
    try:
        yield
    except (AddressRefused, NotFetched) as error:
        raise SourceUnreachable(error.detail) from error
