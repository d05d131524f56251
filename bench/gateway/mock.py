"""An engine that costs next to nothing: HTTP/1.1 by hand on a Unix socket or a port, a fixed answer, or timed frames.

``python -m bench.gateway.mock --uds PATH | --port N --served-model-name NAME …``: what the engine host starts in place
of vLLM, and what is measured directly. A stream has 64 frames 20 ms apart, each with the clock's time in it.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from typing import Any

import uvloop

FRAMES, GAP = 64, 0.02
USAGE = {"prompt_tokens": 12, "total_tokens": 20, "completion_tokens": 8}
_BASE: dict[str, Any] = {"id": "chatcmpl-mock", "object": "chat.completion", "created": 1, "model": "mock"}
_MESSAGE = {"role": "assistant", "content": "Twenty days of paid leave a year, as the handbook says."}
_CHOICE = {"index": 0, "message": _MESSAGE, "logprobs": None, "finish_reason": "stop"}
WHOLE = json.dumps({**_BASE, "choices": [_CHOICE], "usage": USAGE}).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(body: bytes) -> bytes:
    """A piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def frame(number: int, counted: bool) -> bytes:  # noqa: FBT001 - two forms of one frame
    """A frame of a stream, as vLLM writes it, with the moment of its sending as its text."""
    choice = {"index": 0, "delta": {"content": f"{time.monotonic_ns()} "}, "logprobs": None, "finish_reason": None}
    told: dict[str, Any] = {**_BASE, "object": "chat.completion.chunk", "choices": [choice]}
    if counted:
        told["usage"] = {"prompt_tokens": 12, "total_tokens": 12 + number, "completion_tokens": number}
    return chunk(b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n")


def _models() -> bytes:
    """What the engine host asks before it lets anybody in."""
    names = sys.argv[sys.argv.index("--served-model-name") + 1 :]
    data = [{"id": name} for name in names if not name.startswith("-")]
    told = json.dumps({"object": "list", "data": data}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told)


class Mock(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._streaming: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = transport  # type: ignore[assignment] # a stream's

    def connection_lost(self, _error: Exception | None) -> None:
        """Send no more."""
        if self._streaming is not None:
            self._streaming.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        assert self._transport is not None
        if head.startswith(b"get /v1/models"):
            self._transport.write(_models())
        elif b'"stream":true' in body.replace(b" ", b""):
            self._streaming = asyncio.ensure_future(self._stream(counted=b"continuous_usage_stats" in body))
        else:
            self._transport.write(ANSWER)

    async def _stream(self, *, counted: bool) -> None:
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        self._transport.write(HEAD)
        begun = loop.time()
        for number in range(FRAMES):
            self._transport.write(frame(number + 1, counted))
            await asyncio.sleep(max(0.0, begun + (number + 1) * GAP - loop.time()))
        last = json.dumps({**_BASE, "choices": [], "usage": USAGE}, separators=(",", ":")).encode()
        usage = chunk(b"data: " + last + b"\n\n") if counted else b""
        self._transport.write(usage + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")


async def serve(given: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    if given.uds:
        await loop.create_unix_server(Mock, given.uds)
    else:
        await loop.create_server(Mock, "127.0.0.1", given.port)
    await ended.wait()


def main() -> None:
    """Read vLLM's arguments, those that matter here."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uds")
    parser.add_argument("--port", type=int)
    given, _ = parser.parse_known_args()
    uvloop.run(serve(given))


if __name__ == "__main__":
    main()
