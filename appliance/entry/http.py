"""HTTP/1.1 as the web process reads it: httptools' parser, which costs a fifth of h11's, with a bound on what it keeps.

By itself httptools keeps a header as long as its sender likes, and uvicorn as many headers or trailers as come.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST: Final = 64 * 1024
"""Bytes that may come without a head, a piece of a body or an end among them; h11 allows as many for a head."""
_TOO_LONG: Final = "The head of the request is too long."


class Bounded(HttpToolsProtocol):
    """One connection, which is closed with a 400 when its sender goes on and on without getting anywhere."""

    _waiting = 0

    def data_received(self, data: bytes) -> None:
        """Parse it, and look how much of it is still neither head nor body."""
        self._waiting += len(data)
        super().data_received(data)
        if self._waiting > MOST and not self.transport.is_closing():
            self.logger.warning(_TOO_LONG)
            self.send_400_response(_TOO_LONG)

    def on_headers_complete(self) -> None:
        """The head came to its end: it may be no longer than what is kept waiting."""
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > MOST:
            raise ValueError(_TOO_LONG)
        super().on_headers_complete()
        self._waiting = 0

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        super().on_body(body)
        self._waiting = 0

    def on_message_complete(self) -> None:
        """The end of the request."""
        super().on_message_complete()
        self._waiting = 0
