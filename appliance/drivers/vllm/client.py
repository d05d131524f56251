"""Requests to an engine over its Unix socket: asynchronous, for the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import TypeAdapter

from appliance.drivers.vllm.port import EngineDown

CONNECT_SECONDS = 2.0
KEEP_SECONDS = 3.0
"""vLLM closes a connection that was idle for 5 s; ours goes first."""
_JSON: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
"""Any JSON, written by pydantic's core."""
_HEADERS = {"content-type": "application/json"}
SILENCE_SECONDS = 300.0
"""An engine that sends nothing for so long while a request runs is hung: a queue of prompts takes less."""


class SocketAnswer:
    """An answer that arrives over aiohttp."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self._response = response

    async def body(self) -> bytes:
        """All of it."""
        try:
            return await self._response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _down(error) from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """As it comes."""
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _down(error) from error


class SocketUpstream:
    """One engine's socket, or its HTTP ``address`` where it is not ours.

    Make and close it inside the event loop that uses it.
    """

    def __init__(self, path: Path, key: str, address: str | None = None) -> None:
        # An answer read to its end leaves its connection for the next request; closing one is how an answer is
        # aborted. The engine's own queue is the limit.
        how: dict[str, Any] = {"limit": 0, "keepalive_timeout": KEEP_SECONDS}
        self._session = aiohttp.ClientSession(
            address or "http://engine",
            connector=aiohttp.TCPConnector(**how) if address else aiohttp.UnixConnector(str(path), **how),
            headers={"authorization": f"Bearer {key}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS),
            auto_decompress=False,
        )

    @asynccontextmanager
    async def post(self, path: str, body: dict[str, Any]) -> AsyncIterator[SocketAnswer]:
        """Send a request; leaving before the end closes the connection, on which the engine aborts."""
        payload = _JSON.dump_json(body)
        try:
            response = await self._send(path, payload)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _down(error) from error
        try:
            yield SocketAnswer(response)
        finally:
            response.close()  # nothing to do after the end: the connection was given back then

    async def _send(self, path: str, payload: bytes) -> aiohttp.ClientResponse:
        """Once more on a new connection where a kept one turns out closed before a byte came back: nobody had it."""
        try:
            return await self._session.post(path, data=payload, headers=_HEADERS)
        except aiohttp.ServerDisconnectedError:
            return await self._session.post(path, data=payload, headers=_HEADERS)

    async def close(self) -> None:
        """Close what is open."""
        await self._session.close()


def _down(error: Exception) -> EngineDown:
    return EngineDown(f"the engine does not answer ({type(error).__name__})", retry_after=5)
