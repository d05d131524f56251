"""Callers who trickle, wait or crowd: each gets as much time and as many connections as is fair."""

import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager

import anyio
import anyio.lowlevel
import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.entry.http import bounded
from appliance.kit.settings import WebSettings
from tests.factories.serving import listening

QUICK = WebSettings(head_seconds=0.4, body_seconds=0.4, send_seconds=0.6)
ALLOWED = 10.0
"""Seconds in which a connection that is to be closed has to be, on a machine that is busy."""
LONG = 1.2
"""Seconds that are more than any of the deadlines."""
ASK = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
PIECE = b"a" * 65536

ended: list[str] = []


async def served(scope: Scope, receive: Receive, send: Send) -> None:
    """``/read`` tells the length of a body, ``/late`` answers after a while, ``/much`` never ends."""
    path = scope["path"]
    try:
        if path == "/much":
            await StreamingResponse(_much())(scope, receive, send)
        elif path == "/late":
            await StreamingResponse(_late())(scope, receive, send)
        elif path == "/deaf":
            await PlainTextResponse("no", 413)(scope, receive, send)
        else:
            size = sum([len(part) async for part in Request(scope, receive).stream()])
            await PlainTextResponse(str(size))(scope, receive, send)
    except ClientDisconnect:
        ended.append(path)
    finally:
        ended.append(f"{path} over")


async def _much() -> AsyncIterator[bytes]:
    while True:
        await anyio.lowlevel.checkpoint()
        yield PIECE


async def _late() -> AsyncIterator[bytes]:
    await anyio.sleep(LONG)
    yield b"late"


@contextmanager
def serving(web: WebSettings) -> Iterator[int]:
    """A server that reads HTTP as the web process does; its port."""
    config = uvicorn.Config(served, http=bounded(web), lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    with listening(uvicorn.Server(config)) as port:
        yield port


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """One with short deadlines."""
    with serving(QUICK) as found:
        yield found


def connected(port: int) -> socket.socket:
    """A connection that waits for no answer longer than allowed."""
    return socket.create_connection(("127.0.0.1", port), timeout=ALLOWED)


def trickled(port: int, begin: bytes, drop: bytes) -> bytes:
    """What comes back to a beginning and then a drop every now and then, until the server closes."""
    with connected(port) as caller:
        caller.sendall(begin)
        caller.settimeout(0.05)
        until = time.monotonic() + ALLOWED
        while time.monotonic() < until:
            try:
                caller.sendall(drop)
                return caller.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                return b""
    pytest.fail("the server is still waiting")


def answer(caller: socket.socket) -> bytes:
    """The status of the next answer, empty where the connection was closed without one."""
    try:
        return caller.recv(65536).partition(b"\r\n")[0]
    except ConnectionError:
        return b""


TRICKLES = {
    "an address": (b"GET /", b"a"),
    "a header": (b"GET / HTTP/1.1\r\nx-a: ", b"a"),
    "headers": (b"GET / HTTP/1.1\r\n", b"x-a: b\r\n"),
    "empty lines": (b"", b"\r\n"),
    "a body": (POST % 1_000_000, b"a"),
    "a body in chunks": (b"POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "a second head": (ASK % b"read" + b"GET /", b"a"),
    "a body that nobody reads": (POST.replace(b"/read", b"/deaf") % 1_000_000, b"a"),
}


@pytest.mark.parametrize("name", TRICKLES)
def test_what_trickles_is_given_up(port: int, name: str) -> None:
    told = trickled(port, *TRICKLES[name])
    assert told == b"" or told.startswith((b"HTTP/1.1 408", b"HTTP/1.1 200", b"HTTP/1.1 413")), told
    if name.startswith(("a header", "a body in")):
        assert told.startswith(b"HTTP/1.1 408"), told


def test_whoever_says_nothing_is_closed_without_a_word(port: int) -> None:
    with connected(port) as caller:
        assert caller.recv(1) == b""


def test_the_application_hears_that_the_body_does_not_come(port: int) -> None:
    ended.clear()
    trickled(port, POST % 1_000_000, b"a")
    until = time.monotonic() + ALLOWED
    while "/read over" not in ended:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert ended == ["/read", "/read over"]


def test_whoever_takes_nothing_of_an_answer_is_cut_off(port: int) -> None:
    ended.clear()
    with connected(port) as caller:
        caller.sendall(ASK % b"much")
        caller.recv(1)
        until = time.monotonic() + ALLOWED
        while "/much over" not in ended:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_whoever_reads_slowly_is_not_cut_off(port: int) -> None:
    with connected(port) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        caller.sendall(ASK % b"much")
        until = time.monotonic() + 2 * LONG
        while time.monotonic() < until:
            assert caller.recv(262144)
            time.sleep(0.02)


def test_a_body_that_comes_slowly_but_well_is_read(port: int) -> None:
    with connected(port) as caller:
        caller.sendall(POST % (1024 * 24))
        for _ in range(24):
            caller.sendall(b"a" * 1024)
            time.sleep(2 * LONG / 24)
        assert answer(caller) == b"HTTP/1.1 200 OK"


def test_an_answer_may_take_longer_than_any_head(port: int) -> None:
    with connected(port) as caller:
        caller.sendall(ASK % b"late" + b"GET /")  # and the beginning of the next: it has its time afterwards
        got = b""
        while b"late" not in got:
            piece = caller.recv(65536)
            assert piece, got
            got += piece
        caller.sendall(b"read HTTP/1.1\r\nhost: x\r\n\r\n")
        while not got.endswith(b"\r\n\r\n0"):
            piece = caller.recv(65536)
            assert piece, got
            got += piece


@pytest.mark.parametrize(
    ("web", "status"),
    [
        (WebSettings(connections_per_peer=3), b"HTTP/1.1 429 Too Many Requests"),
        (WebSettings(connections=3), b"HTTP/1.1 503 Service Unavailable"),
    ],
)
def test_connections_are_counted(web: WebSettings, status: bytes) -> None:
    with serving(web) as port, ExitStack() as open_ones:
        callers = [open_ones.enter_context(connected(port)) for _ in range(3)]
        for caller in callers:
            caller.sendall(ASK % b"read")
            assert answer(caller) == b"HTTP/1.1 200 OK"
        with connected(port) as fourth:
            assert answer(fourth) == status
        callers[0].close()
        assert soon(lambda: asked_once(port) == b"HTTP/1.1 200 OK")


def test_other_addresses_and_named_proxies_are_not_held_up() -> None:
    web = WebSettings(connections_per_peer=1, proxies="127.0.0.3, 10.0.0.0/8")
    with serving(web) as port, ExitStack() as open_ones:
        for host, most in (("127.0.0.1", 1), ("127.0.0.2", 1), ("127.0.0.3", 5)):
            for _ in range(most):
                caller = socket.create_connection(("127.0.0.1", port), timeout=ALLOWED, source_address=(host, 0))
                open_ones.enter_context(caller)
                caller.sendall(ASK % b"read")
                assert answer(caller) == b"HTTP/1.1 200 OK", host


def asked_once(port: int) -> bytes:
    """The status of an answer on a connection of its own."""
    with connected(port) as caller:
        caller.sendall(ASK % b"read")
        return answer(caller)


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it comes about in the time allowed."""
    until = time.monotonic() + ALLOWED
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False
