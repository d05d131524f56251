"""HTTP/1.1 as the web process reads it: httptools' parser, which costs a fifth of h11's, with bounds on its callers.

By itself httptools keeps a header as long as its sender likes, and uvicorn as many headers or trailers as come; it
waits for the rest of a head or of a body for ever, and lets one address hold all connections that there are.
"""

import asyncio
from itertools import chain
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from appliance.entry.peers import Full, Peers
from appliance.kit.settings import WebSettings
from appliance.serving.passage import LEAVING

MOST: Final = 64 * 1024
"""Bytes that may come without a head, a piece of a body or an end among them; h11 allows as many for a head."""
PACE: Final = 1024
"""Bytes a second that a body has to bring, over :attr:`WebSettings.body_seconds`, as long as we take them."""
_TOO_LONG: Final = "The head of the request is too long."
_TOO_SLOW: Final = "The request did not come in time."


class Corked:
    """A transport for one answer: its head waits for the first piece of its body, or for the end of the loop's round.

    Uvicorn writes each by itself, and a write is a call of the system, a packet, and an awakening of the caller.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        """The head first."""
        head = self._head
        if head is None:
            self._transport.write(data)
        elif head:
            self._head = None
            self._transport.write(head + data)
        elif data:
            self._head = data
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """After what was written."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing more may be written."""
        return self._transport.is_closing()

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head and not self._transport.is_closing():
            self._transport.write(head)


class Bounded(HttpToolsProtocol):
    """One connection, which is closed when its other end goes on and on, or waits, without getting anywhere."""

    web: ClassVar[WebSettings]
    peers: ClassVar[Peers]

    _waiting = 0
    _timer: asyncio.TimerHandle | None = None
    _seat: str | None = None
    _began: float | None = None
    """When the head that is awaited began, None while none is."""
    _body_began: float | None = None
    """When the present stretch of a body began, None while no body is awaited."""
    _brought = 0
    _unanswered = 0
    _unsent = 0
    _stuck: float | None = None
    """Since when the other end has taken nothing of what lies ready for it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it likewise
        """Take a seat, or be told that there is none."""
        super().connection_made(transport)
        self._leaving: asyncio.Future[None] = self.loop.create_future()
        self._began = self.loop.time()
        self._period = min(self.web.head_seconds, self.web.body_seconds, self.web.send_seconds) / 4
        self._timer = self.loop.call_later(self._period, self._look)
        try:
            self._seat = self.peers.sit(self.client[0] if self.client else None)
        except Full as full:
            self.logger.warning("%s", full)
            self._refuse(full.status, str(full), b"retry-after: 5\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the seat to another."""
        super().connection_lost(exc)
        self._leaving.set_result(None)
        self.peers.leave(self._seat)
        self._seat = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse it, and look how much of it is still neither head nor body."""
        self._waiting += len(data)
        if self._began is None and self._body_began is None:
            self._began = self.loop.time()
        super().data_received(data)
        if self._waiting > MOST and not self.transport.is_closing():
            self.logger.warning(_TOO_LONG)
            self.send_400_response(_TOO_LONG)

    def on_message_begin(self) -> None:
        """A request, whose answer may end when its caller leaves."""
        super().on_message_begin()
        self.scope["extensions"] = {LEAVING: self._leaving}  # type: ignore[dict-item] # no dictionary

    def on_headers_complete(self) -> None:
        """The head came to its end: it may be no longer than what is kept waiting."""
        if sum(map(len, chain.from_iterable(self.headers))) + len(self.url) > MOST:
            raise ValueError(_TOO_LONG)
        super().on_headers_complete()
        self.cycle.transport = Corked(self.transport, self.loop)  # type: ignore[assignment] # as much as it needs
        self._waiting = 0
        self._began = None
        self._unanswered += 1
        self._body_began, self._brought = self.loop.time(), 0

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        super().on_body(body)
        self._waiting = 0
        self._brought += len(body)

    def on_message_complete(self) -> None:
        """The end of the request."""
        super().on_message_complete()
        self._waiting = 0
        self._body_began = None

    def on_response_complete(self) -> None:
        """Whoever sent the beginning of the next head meanwhile has its whole time from now on."""
        super().on_response_complete()
        self._unanswered -= 1
        if self._began is not None:
            self._began = self.loop.time()

    def resume_writing(self) -> None:
        """The other end took something."""
        super().resume_writing()
        self._stuck = None

    def _look(self) -> None:
        """Close the connection when the other end lets us wait for too long."""
        now = self.loop.time()
        self._timer = self.loop.call_later(self._period, self._look)
        if self._takes_nothing(now):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._head_late(now) or self._body_late(now):
            self.logger.warning(_TOO_SLOW)
            self._refuse(408, _TOO_SLOW)

    def _takes_nothing(self, now: float) -> bool:
        """Whether what lies ready for the other end, who reads nothing, has become no less for too long."""
        unsent, before = self.transport.get_write_buffer_size(), self._unsent
        self._unsent = unsent
        if unsent == 0 or unsent < before or self._stuck is None:
            self._stuck = now if unsent else None
            return False
        return now - self._stuck > self.web.send_seconds

    def _head_late(self, now: float) -> bool:
        return self._began is not None and not self._unanswered and now - self._began > self.web.head_seconds

    def _body_late(self, now: float) -> bool:
        """Whether a stretch of the body brought too little. What we do not take is not the sender's fault."""
        if self._body_began is None or now - self._body_began <= self.web.body_seconds:
            return False
        cycle = self.cycle
        ours = self.flow.read_paused or cycle.body or cycle.waiting_for_100_continue
        enough = self._brought >= PACE * self.web.body_seconds
        self._body_began, self._brought = now, 0
        return cycle.response_complete or not (ours or enough)

    def _refuse(self, status: int, told: str, header: bytes = b"") -> None:
        """Say why, unless nothing was asked or another answer has begun, and close."""
        unasked = self._seat is not None and self._body_began is None and not self._waiting
        begun = self._body_began is not None and self.cycle.response_started
        if not (unasked or begun):
            head = b"%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n"
            self.transport.write(head % (STATUS_LINE[status], len(told), header) + told.encode())
        self.transport.close()


def bounded(web: WebSettings) -> type[Bounded]:
    """The protocol of one server, with a count of its own."""
    return type("Bounded", (Bounded,), {"web": web, "peers": Peers(web)})
