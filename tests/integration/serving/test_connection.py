"""Connections to an engine: kept after a whole answer, closed after any other, replaced unnoticed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from appliance.drivers.vllm.client import SocketUpstream
from appliance.drivers.vllm.port import EngineDown

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"


class Engine:
    """A server that counts its connections and does what a test says with each request."""

    def __init__(self, path: Path, answers: list[bytes]) -> None:
        self.path = path
        self.answers = answers
        self.connections = 0
        self.closed = asyncio.Event()
        self.last = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; an empty answer closes it."""
        self.connections += 1
        try:
            while await _request(reader):
                answer = self.answers.pop(0)
                writer.write(answer)
                if self.last or not answer or b"connection: close" in answer:
                    break
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
            self.closed.set()


async def _request(reader: asyncio.StreamReader) -> bool:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return False
    return True


Story = Callable[[SocketUpstream, Engine], Awaitable[None]]


def run(short: Path, answers: list[bytes], story: Story, **times: float) -> None:
    async def all_of_it() -> None:
        engine = Engine(short / "engine.sock", answers)
        upstream = SocketUpstream(engine.path, "key", **times)  # type: ignore[arg-type] # the two numbers
        async with await asyncio.start_unix_server(engine.serve, engine.path):
            await story(upstream, engine)
            await upstream.close()

    asyncio.run(all_of_it())


async def asked(upstream: SocketUpstream) -> bytes:
    async with upstream.post("/v1/x", {"a": "ä"}) as answer:
        return await answer.body()


def test_a_whole_answer_leaves_its_connection_for_the_next(short: Path) -> None:
    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        assert [await asked(upstream) for _ in range(3)] == [b"ok"] * 3
        assert engine.connections == 1

    run(short, [WHOLE] * 3, story)


def test_two_at_once_have_a_connection_each(short: Path) -> None:
    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        async with upstream.post("/v1/x", {}) as one, upstream.post("/v1/x", {}) as two:
            assert [await one.body(), await two.body()] == [b"ok"] * 2
        assert engine.connections == 2

    run(short, [WHOLE] * 2, story)


def test_an_answer_that_is_left_closes_its_connection_and_the_engine_sees_it(short: Path) -> None:
    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        async with upstream.post("/v1/x", {}) as answer:
            async for piece in answer.chunks():
                assert piece == b"one "
                break
        await asyncio.wait_for(engine.closed.wait(), 5)
        assert await asked(upstream) == b"ok"
        assert engine.connections == 2

    run(short, [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\none \r\n", WHOLE], story)


def test_a_kept_connection_that_was_closed_is_replaced_unnoticed(short: Path) -> None:
    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        assert await asked(upstream) == b"ok"
        assert await asked(upstream) == b"ok", "the engine closed the kept one as the request came"
        assert engine.connections == 2

    run(short, [WHOLE, b"", WHOLE], story)


def test_an_engine_that_says_so_gets_a_new_connection_each_time(short: Path) -> None:
    closing = WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")

    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        assert [await asked(upstream) for _ in range(2)] == [b"ok"] * 2
        assert engine.connections == 2

    run(short, [closing] * 2, story)


def test_a_kept_connection_is_not_believed_for_long(short: Path) -> None:
    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        assert [await asked(upstream) for _ in range(2)] == [b"ok"] * 2
        assert engine.connections == 2

    run(short, [WHOLE] * 2, story, keep=0.0)


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"]
)
def test_what_is_no_answer_is_an_engine_that_is_down(short: Path, answer: bytes) -> None:
    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        engine.last = True
        with pytest.raises(EngineDown):
            await asked(upstream)

    run(short, [answer], story)


def test_an_engine_that_is_silent_is_given_up(short: Path) -> None:
    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        with pytest.raises(EngineDown, match="TimeoutError"):
            await asked(upstream)

    run(short, [HALF], story, silence=0.05)


def test_a_slow_caller_slows_the_engine_down_and_gets_it_all(short: Path) -> None:
    size = 8 * 1024 * 1024

    async def story(upstream: SocketUpstream, engine: Engine) -> None:
        async with upstream.post("/v1/x", {}) as answer:
            for _ in range(5000):
                await asyncio.sleep(0.001)
                if answer._connection._paused:
                    break
            assert answer._connection._paused
            assert sum([len(piece) async for piece in answer.chunks()]) == size

    run(short, [b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size], story)


def test_nobody_there_is_an_engine_that_is_down(short: Path) -> None:
    async def run_it() -> None:
        await asked(SocketUpstream(short / "none.sock", "key"))

    with pytest.raises(EngineDown):
        asyncio.run(run_it())
