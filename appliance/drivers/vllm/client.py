"""Requests to an engine over its Unix socket: asynchronous, for the gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.json import encode

from appliance.drivers.vllm.connection import Connection
from appliance.drivers.vllm.port import EngineDown

CONNECT_SECONDS = 2.0
KEEP_SECONDS = 3.0
"""vLLM closes a connection that was idle for 5 s; ours goes first."""
SILENCE_SECONDS = 300.0
"""An engine that sends nothing for so long while a request runs is hung: a queue of prompts takes less."""


class SocketAnswer:
    """An answer that arrives over a connection."""

    def __init__(self, connection: Connection) -> None:
        self.status = connection.status
        self._connection = connection

    async def body(self) -> bytes:
        """All of it."""
        try:
            return await self._connection.body()
        except OSError as error:
            raise _down(error) from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """As it comes."""
        try:
            async for chunk in self._connection.pieces():
                yield chunk
        except OSError as error:
            raise _down(error) from error


class SocketUpstream:
    """One engine's socket, or its HTTP ``address`` where it is not ours. For one event loop.

    An answer read to its end leaves its connection for the next request; one that is left earlier is closed, on which
    the engine aborts. The engine's own queue is the limit.
    """

    def __init__(
        self,
        path: Path,
        key: str,
        address: str | None = None,
        *,
        keep: float = KEEP_SECONDS,
        silence: float = SILENCE_SECONDS,
    ) -> None:
        self._keep = keep
        self._silence = silence
        self._path = str(path)
        self._place = urlsplit(address) if address else None
        host = self._place.netloc if self._place else "engine"
        self._head = f"host: {host}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        self._idle: list[Connection] = []
        self._closed = False

    def post(self, path: str, body: dict[str, Any]) -> "Posting":
        """Send a request; leaving before the end closes the connection, on which the engine aborts."""
        payload = encode(body)
        request = f"POST {path} HTTP/1.1\r\n{self._head}content-length: {len(payload)}\r\n\r\n".encode() + payload
        return Posting(self._ask, request, self._give_back)

    async def close(self) -> None:
        """Close what is open."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def _ask(self, request: bytes) -> Connection:
        """Once more on a new connection where a kept one turns out closed before a byte came back: nobody had it."""
        connection = self._kept()
        if connection is not None:
            try:
                return await _asked(connection, request)
            except OSError:
                if not connection.untouched:
                    raise
        return await _asked(await self._connect(), request)

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open and connection.loop.time() - connection.idle_since < self._keep:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            if self._place is None:
                _, connection = await loop.create_unix_connection(self._new, self._path)
            else:
                secure = self._place.scheme == "https"
                port = self._place.port or (443 if secure else 80)
                ssl = True if secure else None
                _, connection = await loop.create_connection(self._new, self._place.hostname or "", port, ssl=ssl)
        return connection

    def _new(self) -> Connection:
        return Connection(self._silence)

    def _give_back(self, connection: Connection) -> None:
        if connection.reusable and not self._closed:
            connection.rest()
            self._idle.append(connection)
        else:
            connection.close()


class Posting:
    """A request under way, as a context: a class, as a generator's costs more."""

    __slots__ = ("_ask", "_connection", "_give_back", "_request")

    def __init__(
        self, ask: Callable[[bytes], Awaitable[Connection]], request: bytes, give_back: Callable[[Connection], None]
    ) -> None:
        self._ask = ask
        self._request = request
        self._give_back = give_back
        self._connection: Connection | None = None

    async def __aenter__(self) -> SocketAnswer:
        """The beginning of its answer."""
        try:
            self._connection = await self._ask(self._request)
        except OSError as error:
            raise _down(error) from error
        return SocketAnswer(self._connection)

    async def __aexit__(self, *_: object) -> None:
        """The next may have its connection, if the answer was read."""
        if self._connection is not None:
            self._give_back(self._connection)


async def _asked(connection: Connection, request: bytes) -> Connection:
    try:
        await connection.ask(request)
    except BaseException:
        connection.close()
        raise
    return connection


def _down(error: Exception) -> EngineDown:
    return EngineDown(f"the engine does not answer ({type(error).__name__})", retry_after=5)
