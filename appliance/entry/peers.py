"""Who may hold how many connections: one address a share, all together no more than the process can carry."""

import ipaddress
import resource
from collections import Counter
from http import HTTPStatus
from typing import Final

from appliance.kit.settings import WebSettings
from appliance.tenants.lockout import network

_LOCAL: Final = ""
"""Whoever has no address: a Unix socket of this machine."""


class Full(Exception):
    """There is no seat."""

    def __init__(self, status: HTTPStatus, told: str) -> None:
        super().__init__(told)
        self.status = status


class Peers:
    """The connections of one server. Proxies that the settings name speak for many, and have no share of their own."""

    def __init__(self, web: WebSettings) -> None:
        files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._most = min(web.connections, most // 2)  # an answer may need a connection to an engine, or a file
        self._each = web.connections_per_peer
        named = [name.strip() for name in web.proxies.split(",") if name.strip()]
        self._everyone = "*" in named
        self._proxies = [ipaddress.ip_network(name, strict=False) for name in named if _is_network(name)]
        self._seats: Counter[str] = Counter()
        self._taken = 0

    def sit(self, host: str | None) -> str:
        """Take a seat; give what is returned to :meth:`leave`. Raises :class:`Full`."""
        if self._taken >= self._most:
            raise Full(HTTPStatus.SERVICE_UNAVAILABLE, "All connections are taken.")
        peer, shared = self._peer(host)
        if not shared and self._seats[peer] >= self._each:
            raise Full(HTTPStatus.TOO_MANY_REQUESTS, f"One address may have {self._each} connections.")
        self._seats[peer] += 1
        self._taken += 1
        return peer

    def leave(self, peer: str | None) -> None:
        """Give the seat back; None: there was none."""
        if peer is None:
            return
        self._taken -= 1
        self._seats[peer] -= 1
        if not self._seats[peer]:
            del self._seats[peer]

    def _peer(self, host: str | None) -> tuple[str, bool]:
        """Whose share an address counts in, and whether it speaks for many."""
        try:
            found = ipaddress.ip_address(host or _LOCAL)
        except ValueError:
            return _LOCAL, True
        if isinstance(found, ipaddress.IPv6Address):
            found = found.ipv4_mapped or found
        return network(host), self._everyone or any(found in proxy for proxy in self._proxies)


def _is_network(name: str) -> bool:
    try:
        ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False
    return True
