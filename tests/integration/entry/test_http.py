"""What is kept of a request that goes on and on without getting anywhere: little, and not for long."""

import socket
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from appliance.entry.http import MOST, bounded
from appliance.kit.settings import WebSettings
from tests.factories.serving import listening

HEAD = b"POST /x HTTP/1.1\r\nhost: x\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """How many bytes of a body came."""
    size = sum([len(part) async for part in Request(scope, receive).stream()])
    await PlainTextResponse(str(size))(scope, receive, send)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that reads HTTP as the web process does."""
    config = uvicorn.Config(echo, http=bounded(WebSettings()), lifespan="off", log_config=None)
    with listening(uvicorn.Server(config)) as port:
        yield port


def told(port: int, begin: bytes, forever: bytes = b"", end: bytes = b"") -> bytes:
    """What is answered to a beginning, then to the same over and over until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(begin)
        try:
            for _ in range(64 if forever else 0):
                connection.sendall(forever * (16 * 1024 // len(forever)))
                time.sleep(0.001)  # so that it comes in many pieces
            connection.sendall(end)
            answer = connection.recv(65536)
        except ConnectionError:
            return b"closed"
    return answer.partition(b"\r\n")[0]


ENDLESS = {
    "an address": (b"GET /", b"a"),
    "a header": (HEAD + b"x-a: ", b"a"),
    "headers": (HEAD, b"x-a: b\r\n"),
    "a trailer": (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-a: ", b"a"),
    "trailers": (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", b"x-a: b\r\n"),
    "an extension of a chunk": (HEAD + b"transfer-encoding: chunked\r\n\r\n1;", b"a"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_cut_off(port: int, name: str) -> None:
    assert told(port, *ENDLESS[name]) in (b"HTTP/1.1 400 Bad Request", b"closed")


def test_a_long_head_that_came_at_once_is_refused_too(port: int) -> None:
    assert told(port, HEAD + b"x-a: " + b"a" * (MOST + 1) + b"\r\n\r\n") in (b"HTTP/1.1 400 Bad Request", b"closed")


def test_a_long_body_is_not_a_head(port: int) -> None:
    body = b"a" * (4 * MOST)
    assert told(port, HEAD + b"content-length: %d\r\n\r\n" % len(body) + body) == b"HTTP/1.1 200 OK"
    chunked = b"%x\r\n%b\r\n" % (len(body), body) + b"0\r\n\r\n"
    assert told(port, HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunked) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "smuggled",
    [
        HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"transfer-encoding: gzip, chunked , x\r\n\r\n0\r\n\r\n",
        HEAD + b"x : y\r\n\r\n",
        HEAD + b" folded: y\r\n\r\n",
    ],
)
def test_what_two_servers_would_read_in_two_ways_is_refused(port: int, smuggled: bytes) -> None:
    assert told(port, smuggled) in (b"HTTP/1.1 400 Bad Request", b"closed")
