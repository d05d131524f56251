"""Debian's lighttpd with its WebDAV module, as a child of the tests on loopback: a share behind a password."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.factories.processes import until

PROGRAM = shutil.which("lighttpd", path="/usr/sbin:/usr/bin")
MODULE = Path("/usr/lib/lighttpd/mod_webdav.so")
THERE = PROGRAM is not None and MODULE.exists()
USER, PASSWORD = "appliance", "a word of the tests"
CONFIG = """
server.document-root = "{home}/root"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_auth", "mod_authn_file", "mod_webdav")
server.errorlog = "{home}/log"
server.stat-cache-engine = "disable" # kept for seconds, a listing would tell of a file what it was
webdav.activate = "enable"
webdav.is-readonly = "enable"
auth.backend = "plain"
auth.backend.plain.userfile = "{home}/users"
auth.require = ("/" => ("method" => "basic", "realm" => "share", "require" => "valid-user"))
mimetype.assign = ("" => "application/octet-stream")
"""


@dataclass(frozen=True, slots=True)
class Lighttpd:
    """A server that runs; ``root`` is what it shows."""

    port: int
    root: Path

    @property
    def url(self) -> str:
        """Its top."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def running(home: Path) -> Iterator[Lighttpd]:
    """Serve until the block ends."""
    assert PROGRAM is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    (home / "root").mkdir()
    (home / "users").write_text(f"{USER}:{PASSWORD}\n")
    (home / "lighttpd.conf").write_text(CONFIG.format(home=home, port=port))
    child = subprocess.Popen([PROGRAM, "-D", "-f", str(home / "lighttpd.conf")])
    try:
        until(lambda: child.poll() is not None or _listens(port), 20)
        assert child.poll() is None, (home / "log").read_text()
        yield Lighttpd(port, home / "root")
    finally:
        child.terminate()
        child.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
