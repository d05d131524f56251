"""Debian's dovecot, as a child of the tests on loopback: IMAP over TLS and StartTLS, its letters in a directory."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.factories.processes import until
from tests.factories.slapd import certificates

PROGRAM = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
THERE = PROGRAM is not None and Path("/usr/lib/dovecot/imap").exists() and os.geteuid() == 0
USER, PASSWORD = "appliance", "word"
CONFIG = """
base_dir = {home}/run
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{home}/mail
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password} allow_nets=127.0.0.1
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A server that runs. ``ca``: the PEM to trust."""

    imap: int
    imaps: int
    ca: str
    mail: Path

    def deliver(self, name: str, letter: bytes, folder: str = "") -> None:
        """Lay a letter into a folder, as a mail server does."""
        box = self.mail / (f".{folder}" if folder else "")
        user = pwd.getpwnam("dovecot")
        for part in ("cur", "new", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        (box / "tmp" / name).write_bytes(letter)
        (box / "tmp" / name).rename(box / "new" / name)
        for path in (box, *box.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)

    def remove(self, name: str) -> None:
        """Take a letter away."""
        for path in self.mail.rglob(f"{name}*"):
            path.unlink()


@contextmanager
def running(home: Path) -> Iterator[Dovecot]:
    """Serve until the block ends."""
    assert PROGRAM is not None
    for above in (home, *home.parents[:3]):
        above.chmod(above.stat().st_mode | 0o711)
    ca = certificates(home)
    (home / "mail").mkdir()
    user = pwd.getpwnam("dovecot")
    os.chown(home / "mail", user.pw_uid, user.pw_gid)
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ports.append(int(listener.getsockname()[1]))
    text = CONFIG.format(
        home=home, user=user.pw_uid, group=user.pw_gid, password=PASSWORD, imap=ports[0], imaps=ports[1]
    )
    (home / "dovecot.conf").write_text(text)
    child = subprocess.Popen([PROGRAM, "-F", "-c", str(home / "dovecot.conf")])
    try:
        until(lambda: child.poll() is not None or _listens(ports[1]), 20)
        assert child.poll() is None, (home / "log").read_text()
        yield Dovecot(ports[0], ports[1], ca, home / "mail")
    finally:
        child.terminate()
        child.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
