"""The wire between processes: answers, errors, takeover by rename, dead peers."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.kit import errors, wire


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.sock"


@pytest.fixture
def client(path: Path) -> Iterator[wire.Client]:
    with closing(wire.Client(path)) as client:
        yield client


@pytest.fixture
def server(path: Path) -> Iterator[wire.Server]:
    def refuse(_request: dict[str, object]) -> object:
        raise errors.NotFound("not here")

    def break_down(_request: dict[str, object]) -> object:
        raise ZeroDivisionError("oops")

    server = wire.Server(path, {"echo": lambda request: request["value"], "refuse": refuse, "break": break_down})
    server.start()
    yield server
    server.close()


def test_values_come_back_as_sent(client: wire.Client, server: wire.Server) -> None:
    for value in (1, "text 中文", b"\x00\xff", [1, 2], {"a": None}, "x" * 2_000_000):
        assert client.call("echo", value=value) == value


def test_the_socket_is_private(path: Path, server: wire.Server) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("op", "reason", "detail"),
    [
        ("refuse", "not_found", "not here"),
        ("break", "broken", "ZeroDivisionError"),
        ("nothing", "unknown_op", "nothing"),
    ],
)
def test_errors_are_named(client: wire.Client, server: wire.Server, op: str, reason: str, detail: str) -> None:
    with pytest.raises(wire.WireRefused) as caught:
        client.call(op)
    assert caught.value.reason == reason
    assert detail in caught.value.detail
    assert caught.value.status == 503


def test_nobody_there_is_said_clearly(path: Path, client: wire.Client) -> None:
    with pytest.raises(wire.WireDown, match="has not started"):
        client.call("echo", value=1)
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))  # a socket file that nobody listens on, as kill -9 leaves it
    bound.close()
    with pytest.raises(wire.WireDown, match="refused"):
        client.call("echo", value=1)


def test_a_successor_takes_over_by_rename_and_kept_connections_notice(
    path: Path, client: wire.Client, server: wire.Server
) -> None:
    assert client.call("echo", value="old") == "old"
    successor = wire.Server(path, {"echo": lambda _request: "new"})
    successor.start()
    assert client.call("echo", value="old") == "new"
    successor.close()


def test_a_kept_connection_to_a_dead_process_is_replaced(path: Path, client: wire.Client) -> None:
    first = wire.Server(path, {"echo": lambda request: request["value"]})
    listener = threading.Thread(target=first.serve, daemon=True)
    first.publish()
    listener.start()
    client.call("echo", value=1)
    kept = client._idle[0][0]
    kept.shutdown(socket.SHUT_RDWR)
    assert client.call("echo", value=2) == 2
    first.close()


def test_close_waits_for_the_request_in_progress(path: Path, client: wire.Client) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_request: dict[str, object]) -> str:
        entered.set()
        leave.wait(5)
        return "whole"

    server = wire.Server(path, {"slow": slow})
    server.start()
    answers: list[object] = []
    caller = threading.Thread(target=lambda: answers.append(client.call("slow")))
    caller.start()
    assert entered.wait(5)
    threading.Timer(0.05, leave.set).start()
    server.close()
    caller.join(5)
    assert answers == ["whole"]


def test_a_call_that_takes_too_long_is_given_up(path: Path, client: wire.Client) -> None:
    hold = threading.Event()
    server = wire.Server(path, {"slow": lambda _request: hold.wait(5)})
    server.start()
    with pytest.raises(wire.WireDown, match="in time"):
        client.call("slow", timeout=0.05)
    hold.set()
    server.close()


def test_a_peer_that_closes_without_an_answer_is_reported(path: Path, client: wire.Client) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def hang_up() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            connection.recv(1024)
            connection.close()

    threading.Thread(target=hang_up, daemon=True).start()
    with pytest.raises(wire.WireDown, match="closed without an answer"):
        client.call("echo", value=1)
    listener.close()


def test_frames_over_the_limit_and_torn_frames_are_not_believed() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(struct.pack(">I", 1 << 31))
        with pytest.raises(errors.TooLarge):
            wire.receive(right)
    left, right = socket.socketpair()
    with right:
        left.sendall(struct.pack(">I", 10) + b"abc")
        left.close()
        assert wire.receive(right) is None
