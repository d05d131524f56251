"""A mailbox of a real dovecot as a source."""

import socket
import threading
from collections.abc import Iterator

import pytest

from appliance.access.web import Databases
from tests.factories import dovecot
from tests.factories.dovecot import PASSWORD, USER, Dovecot
from tests.integration.sources.works import MAKES, Json, Works

real = pytest.mark.skipif(not dovecot.THERE, reason="Debian's dovecot-imapd is not installed (bin/apt), or not root")


def letter(subject: str, text: str = "Everyone has 25 days.", size: int = 0) -> bytes:
    return f"From: a@corp.example\nTo: b@corp.example\nSubject: {subject}\n\n{text}\n".encode() + b"x" * size + b"\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with dovecot.running(tmp_path_factory.mktemp("imap")) as server:
        server.deliver("1.a", letter("Leave"))
        server.deliver("2.a", letter("=?utf-8?b?5bm05YGH?= / a\tslash"))
        server.deliver("3.a", letter("Large", size=3_000_000))
        server.deliver("4.a", letter("Project"), folder="Work.&ZeVnLIqe-")
        yield server


def settings(server: Dovecot, **more: object) -> Json:
    told = {"kind": "imap", "host": "127.0.0.1", "port": server.imaps, "user": USER, "ca": server.ca}
    return {**told, **more}


@real
def test_letters_of_folders_are_followed(works: Works, server: Dovecot) -> None:
    works.allow(f"127.0.0.1:{server.imaps}")
    source = works.add(settings(server, folders=["INBOX", "Work.日本語"]), secret=PASSWORD)
    assert "4 letters" in works.made("POST", f"{MAKES}/{source}/test")["found"]
    assert works.run(source) == {"taken": 4}
    assert set(works.documents()) == {
        "INBOX/Leave (1).eml",
        "INBOX/年假 a slash (2).eml",
        "INBOX/Large (3).eml",
        "Work.日本語/Project (1).eml",
    }
    sizes = {one["name"]: one["bytes"] for one in works.made("GET", "/api/v1/documents?limit=200")["items"]}
    assert sizes["INBOX/Large (3).eml"] > 3_000_000, "in pieces, and whole"
    assert works.run(source) == {"unchanged": 4}
    server.deliver("5.a", letter("New"))
    server.remove("1.a")
    assert works.run(source) == {"unchanged": 3, "taken": 1, "deleted": 1}
    unread = {path.name for path in (server.mail / "new").iterdir()} | {
        path.name for path in (server.mail / "cur").iterdir() if not path.name.rpartition(",")[2].count("S")
    }
    assert len(unread) == 3, "no letter was marked as read"


@real
def test_tls_is_asked_for_and_checked(works: Works, server: Dovecot) -> None:
    works.allow("127.0.0.1")
    starttls = works.add(settings(server, port=server.imap, security="starttls"), "starttls", secret=PASSWORD)
    assert "letters" in works.made("POST", f"{MAKES}/{starttls}/test")["found"]
    unsigned = works.add(settings(server, ca=None), "unsigned", secret=PASSWORD)
    assert works.failed(unsigned) == "source_unreachable"
    wrong = works.add(settings(server), "wrong", secret="another")
    assert works.failed(wrong) == "source_unreachable"
    missing = works.add(settings(server, folders=["Nowhere"]), "missing", secret=PASSWORD)
    assert works.failed(missing) == "source_unreachable"


@real
def test_a_server_in_the_company_needs_the_operators_word(works: Works, server: Dovecot, databases: Databases) -> None:
    source = works.add(settings(server), secret=PASSWORD)
    assert works.failed(source) == "source_unreachable"
    assert "may not be reached" in works.made("GET", f"{MAKES}/{source}")["reason"]


def test_a_server_that_sends_without_end_is_left(works: Works) -> None:
    """It says that a gigabyte follows; nobody waits for that in memory."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                line.sendall(b"* OK [CAPABILITY IMAP4rev1] {1000000000}\r\n" + b"a" * 1000)
                line.settimeout(5)
                while line.recv(1000):
                    line.sendall(b"* 1 FETCH (BODY[] {1000000000}\r\n" + b"a" * 1000)

        thread = threading.Thread(target=serve)
        thread.start()
        works.allow("127.0.0.1")
        port = listener.getsockname()[1]
        told = {"kind": "imap", "host": "127.0.0.1", "port": port, "user": USER, "security": "none"}
        assert works.failed(works.add(told, secret=PASSWORD)) == "source_unreachable"
        thread.join()
