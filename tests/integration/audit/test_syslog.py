"""What reaches a syslog server, over each transport; and that one which is away holds nobody up."""

import json
import socket
import threading
from pathlib import Path

import pytest

from appliance.audit.chain import Signer, follow
from appliance.audit.entry import Entry
from appliance.audit.syslog import BadSyslog, Syslog
from appliance.audit.verifying import Record
from appliance.kit import clock
from appliance.kit.canonical import digest_of

AT = "2026-11-24T00:00:00.000000+00:00"
NAMES = ("id", "tenant_id", "actor", "object", "request_id", "source", "before", "after")
ENTRY: Entry = {
    **dict.fromkeys(NAMES, "x"),
    "action": "user.create",
    "outcome": "done",
    "details": {},
    "created_at": AT,
}
LINK = follow(None, "x", digest_of(ENTRY), AT)
HEAD = Signer("a secret of a test").head(1, LINK.hash, AT)


def _check(messages: list[bytes]) -> None:
    entry, head = messages
    assert entry.startswith(b"<110>1 2")
    assert b" appliance " in entry
    assert json.loads(entry.split(b" - ", 1)[1])["unmapped"]["chain"]["hash"] == LINK.hash
    assert json.loads(head.split(b" - ", 1)[1])["audit_head"]["signature"] == HEAD.signature


def test_udp_and_unix_datagrams(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(path))
        for server, address in ((udp, f"udp://127.0.0.1:{udp.getsockname()[1]}"), (unix, f"unix://{path}")):
            server.settimeout(5)
            Syslog(address)([Record(LINK, ENTRY)], HEAD)
            _check([server.recv(65536), server.recv(65536)])


def test_tcp_counts_its_octets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = threading.Thread(
            target=Syslog(f"tcp://127.0.0.1:{server.getsockname()[1]}"), args=([Record(LINK, ENTRY)], HEAD)
        )
        sender.start()
        taken, _ = server.accept()
        with taken, taken.makefile("rb") as stream:
            found = stream.read()
        sender.join()
    messages = []
    while found:
        count, _, found = found.partition(b" ")
        messages.append(found[: int(count)])
        found = found[int(count) :]
    _check(messages)


def test_a_server_that_is_away_is_left_alone_for_a_while(tmp_path: Path) -> None:
    away = Syslog(f"unix://{tmp_path / 'nowhere'}")
    begun = clock.monotonic()
    for _ in range(50):
        away([Record(LINK, ENTRY)], HEAD)
    assert clock.monotonic() - begun < 1


@pytest.mark.parametrize("address", ["host:514", "http://host", "udp://", "unix://"])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(BadSyslog, match="names no syslog server"):
        Syslog(address)
