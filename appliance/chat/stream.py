"""An answer as server-sent events: pure ASGI, so that a caller who goes away makes the engine abort at once."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import anyio
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from appliance.chat.prepared import Event
from appliance.kit import log
from appliance.kit.errors import ApplianceError

_logger = log.get(__name__)

_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]


class EventStream(Response):
    """Sends each event with an ``id`` that counts from 1."""

    def __init__(self, events: AsyncGenerator[Event, None]) -> None:
        super().__init__()
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send until the end or until the caller is gone."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, receive, tasks.cancel_scope)
            await self._send(send)
            tasks.cancel_scope.cancel()

    @staticmethod
    async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        scope.cancel()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": _HEADERS})
        number = 0
        async with aclosing(_with_errors(self._events)) as events:
            async for event in events:
                number += 1
                await send(_part(encoded(number, event), more=True))
        await send(_part(b"", more=False))


async def _with_errors(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """The events, an error as the last of them: the status was sent long ago."""
    async with aclosing(events):
        try:
            async for event in events:
                yield event
        except ApplianceError as error:
            _logger.warning("answer failed", code=error.code, detail=error.detail)
            yield Event("error", error.problem())


async def whole(events: AsyncGenerator[Event, None]) -> dict[str, Any]:
    """The object of the last event, for those who do not stream."""
    told: dict[str, Any] = {}
    async with aclosing(events):
        async for event in events:
            told = event.data
    return told


def encoded(number: int, event: Event) -> bytes:
    """The event on the wire; JSON has no bare newline, so one data line holds it."""
    data = json.dumps(event.data, ensure_ascii=False)
    return f"id: {number}\nevent: {event.name}\ndata: {data}\n\n".encode()


def _part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
