"""One kept HTTP/1.1 connection to an engine: a request at a time, its answer as it comes.

A general client spends more on a request than all of the gateway: it follows redirects, keeps cookies, decodes, guesses
encodings. Engines are ours and need none of it. The parser is httptools', the one that reads our callers' requests.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, cast

import httptools

_HIGH: Final = 1024 * 1024
"""Bytes of an answer that wait for a slow caller before the engine is made to wait."""


class Broken(ConnectionError):
    """The engine closed the connection, or said what is no HTTP."""


class Connection(asyncio.Protocol):
    """For ``loop.create_unix_connection``. An engine that is silent for ``silence`` seconds meanwhile is given up."""

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._watch: asyncio.TimerHandle | None = None
        self.loop = asyncio.get_running_loop()
        self.used = False
        self.idle_since = 0.0
        self._heard = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._paused = False
        self._head = self._complete = self._keeps = False
        self._resting = False
        self._error: Exception | None = None
        self.status = 0

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none of asyncio's classes

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits is told."""
        self.fail(error or Broken("closed by the engine"))

    def data_received(self, data: bytes) -> None:
        """A piece of the answer."""
        self._heard = self.loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.fail(Broken(f"no HTTP: {error}"))
            self.close()
        self._wake()

    # what the parser calls

    def on_headers_complete(self) -> None:
        """The status is known."""
        self.status = self._parser.get_status_code()
        self._keeps = self._parser.should_keep_alive()  # at the end it no longer knows
        self._head = True

    def on_body(self, body: bytes) -> None:
        """Keep it; a slow caller slows the engine down."""
        self._pieces.append(body)
        self._waiting += len(body)
        if self._waiting > _HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._complete = True

    # what the client calls

    @property
    def open(self) -> bool:
        """Whether a request can be sent."""
        return self._error is None and self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether the answer was read to its end, and another request may follow."""
        return self._complete and not self._pieces and self.open and self._keeps

    @property
    def untouched(self) -> bool:
        """Whether not a byte of an answer came."""
        return not self._head

    async def ask(self, request: bytes) -> None:
        """Send a request; returns when the status is known. Raises OSError."""
        self._pieces.clear()
        self._waiting = 0
        self._head = self._complete = False
        if self._transport is None or self._error is not None:
            raise self._error or Broken("not connected")
        if self.used:
            self._parser = httptools.HttpResponseParser(self)
        self.used = True
        self._heard = self.loop.time()
        self._resting = False
        if self._watch is None:  # one for all requests of a busy connection: a timer for each costs more
            self._watch = self.loop.call_later(self._silence, self._look)
        self._transport.write(request)
        while not self._head:
            await self._more()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises OSError when it breaks off."""
        while self._pieces or not self._complete:
            if self._pieces:
                piece = self._pieces.popleft() if len(self._pieces) == 1 else b"".join(self._pieces)
                self._pieces.clear()
                self._read_on()
                yield piece
            else:
                await self._more()

    async def body(self) -> bytes:
        """All of it."""
        while not self._complete:
            if self._paused:
                self._read_on()
            await self._more()
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole

    def fail(self, error: Exception) -> None:
        """Nothing more comes."""
        self._error = self._error or error
        self._wake()

    def rest(self) -> None:
        """The answer was read: nobody waits for this connection."""
        self.idle_since = self.loop.time()
        self._resting = True

    def close(self) -> None:
        """Close it: an engine aborts what it was answering."""
        self.rest()
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _look(self) -> None:
        left = self._heard + self._silence - self.loop.time()
        if self._resting:
            self._watch = None
        elif left > 0:
            self._watch = self.loop.call_later(left, self._look)
        else:
            self.fail(TimeoutError("silent for too long"))
            self.close()

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _read_on(self) -> None:
        self._waiting = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
