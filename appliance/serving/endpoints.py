"""Engines that somebody else starts: a cluster's pods. The same reconcile runs against them, without a launcher.

Their addresses come from the settings alone (``engine.endpoints``), never from a request. A host name may stand for
many pods: each of its addresses is a replica. What they run is the cluster's business; one that does not serve the
wanted version's name is not asked.
"""

import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """The IPv4 and IPv6 addresses behind a host name, sorted; none when it has none now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return sorted({str(one[4][0]) for one in found})


def addresses(urls: Sequence[str], look: Resolve = resolve) -> tuple[str, ...]:
    """One HTTP address for each engine behind these."""
    found: list[str] = []
    for url in urls:
        parts = urlsplit(url)
        port = parts.port or 80
        hosts = (f"[{one}]" if ":" in one else one for one in look(parts.hostname or "", port))
        found.extend(f"http://{host}:{port}" for host in hosts)
    return tuple(dict.fromkeys(found))


class Elsewhere:
    """An engine that is not our child: it never ends by itself, and is let go when it is no longer wanted."""

    def __init__(self) -> None:
        self._status: int | None = None

    @property
    def pid(self) -> int | None:
        """None: it is no process of this machine."""
        return None

    def poll(self) -> int | None:
        """0 once it was let go."""
        return self._status

    def worked(self) -> float:
        """Nobody can tell from here."""
        return 0.0

    def ask_to_stop(self, grace: float) -> None:  # noqa: ARG002 - the port's
        """Let it go."""
        self._status = 0
