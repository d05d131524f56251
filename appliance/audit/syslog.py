"""Entries and heads to a syslog server: RFC 5424 messages over UDP, TCP (octet counting, RFC 6587) or a Unix socket.

Best effort, behind the record: what a server misses while it is away is in the export, and its numbers tell the gap.
"""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from appliance.audit import ocsf
from appliance.audit.chain import Head
from appliance.audit.entry import moment
from appliance.audit.verifying import Record
from appliance.kit import clock, log
from appliance.kit.errors import Refused

PRIORITY = 13 * 8 + 6
"""Facility "log audit", severity "informational"."""
PATIENCE = 2.0
REST = 30.0
"""Seconds after a failure in which the server is left alone: the sequencer must not wait for it each time."""
KINDS = ("udp", "tcp", "unix")
_logger = log.get(__name__)


class BadSyslog(Refused):
    """The setting does not name a syslog server."""

    code = "bad_syslog"
    advice = "Write udp://host:514, tcp://host:601 or unix:///dev/log into audit.syslog."


class Syslog:
    """One server. Raises :class:`BadSyslog` for an address of another form."""

    def __init__(self, address: str) -> None:
        found = urlsplit(address)
        named = found.path if found.scheme == "unix" else found.hostname
        if found.scheme not in KINDS or not named:
            raise BadSyslog(f"{address!r} names no syslog server")
        self._kind = found.scheme
        self._path = found.path
        self._host = (found.hostname or "", found.port or 514)
        self._away_until = 0.0

    def __call__(self, records: Sequence[Record], head: Head | None) -> None:
        """Send a batch and its head."""
        if clock.monotonic() < self._away_until:
            return
        try:
            with self._connected() as server:
                for line in ocsf.lines(records, [head] if head else []):
                    server.sendall(
                        self._framed(message(line.rstrip("\n"), "head" if '{"audit_head"' in line[:14] else "entry"))
                    )
        except OSError as error:
            self._away_until = clock.monotonic() + REST
            _logger.warning("syslog server away", reason=str(error))

    def _connected(self) -> socket.socket:
        if self._kind == "tcp":
            return socket.create_connection(self._host, PATIENCE)
        if self._kind == "unix":
            made, address = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), self._path
        else:
            family, kind, *_, resolved = socket.getaddrinfo(*self._host, type=socket.SOCK_DGRAM)[0]
            made, address = socket.socket(family, kind), resolved  # type: ignore[assignment] # a pair, or a path
        made.settimeout(PATIENCE)
        try:
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made

    def _framed(self, told: bytes) -> bytes:
        return b"%d %s" % (len(told), told) if self._kind == "tcp" else told


def message(text: str, kind: str) -> bytes:
    """An RFC 5424 message of now."""
    host = "-"
    with suppress(OSError):
        host = socket.gethostname()[:255] or "-"
    return f"<{PRIORITY}>1 {moment(clock.now())} {host} appliance {os.getpid()} {kind} - {text.rstrip()}".encode()
