"""What the command line says when the line to the appliance is bad, over real sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.entry.cli.client import Api, BrokeOff, NoAnswer
from appliance.entry.cli.finding import Target
from appliance.kit.errors import TooLarge


@contextmanager
def line(treat: Callable[[socket.socket], None]) -> Iterator[str]:
    """An address at which one connection after the other is treated so, then closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    treat(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def hang_up(connection: socket.socket) -> None:
    connection.recv(1024)


def swallow(connection: socket.socket) -> None:
    """Take a multipart body to its end, and say nothing."""
    taken = b""
    while not taken.endswith(b"--\r\n"):
        taken += connection.recv(1024)


def babble(connection: socket.socket) -> None:
    connection.recv(1024)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def test_nobody_at_the_address() -> None:
    with Api(Target("http://127.0.0.1:1", "sk")) as api, pytest.raises(NoAnswer, match=r"127\.0\.0\.1:1"):
        api.get("/api/v1/jobs")


@pytest.mark.parametrize("treat", [hang_up, babble])
def test_a_line_that_breaks(treat: Callable[[socket.socket], None]) -> None:
    with line(treat) as url, Api(Target(url, "sk")) as api, pytest.raises(BrokeOff):
        api.get("/api/v1/jobs")


def test_a_stream_that_breaks() -> None:
    with line(hang_up) as url, Api(Target(url, "sk")) as api, pytest.raises(BrokeOff):
        list(api.events("GET", "/api/v1/jobs/1/events"))


def test_an_upload_that_is_cut_off_was_too_large(tmp_path: Path) -> None:
    file = tmp_path / "large.pdf"
    with file.open("wb") as stream:
        stream.truncate(64 << 20)
    with line(hang_up) as url, Api(Target(url, "sk")) as api, pytest.raises(TooLarge):
        api.upload("/api/v1/collections/1/documents", file, "large.pdf")


def test_an_upload_that_was_sent_whole_and_never_answered_broke_off(tmp_path: Path) -> None:
    file = tmp_path / "small.md"
    file.write_text("small")
    with line(swallow) as url, Api(Target(url, "sk")) as api, pytest.raises(BrokeOff):
        api.upload("/api/v1/collections/1/documents", file, "small.md")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8080"])
def test_an_address_that_is_none(url: str) -> None:
    with Api(Target(url, "sk")) as api, pytest.raises(BrokeOff):
        api.get("/api/v1/jobs")
