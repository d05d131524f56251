"""Passing an engine's answer through to the caller: a pure ASGI response.

Starlette's own streaming would do for the happy path. Here the engine is asked only once the response runs, so that a
caller who goes away at any moment, streaming or not, makes the engine abort at once instead of working for nobody.
"""

import json
from collections.abc import AsyncIterator
from http import HTTPStatus

import anyio
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from appliance.access.principal import Principal
from appliance.kit.errors import ApplianceError
from appliance.serving import events
from appliance.serving.completions import ChatBody, forwarded
from appliance.serving.service import Engines
from appliance.serving.target import Target


class Passage(Response):
    """The answer to one chat completion."""

    def __init__(self, engines: Engines, target: Target, body: ChatBody, principal: Principal) -> None:
        super().__init__()
        self._engines = engines
        self._target = target
        self._body = body
        self._principal = principal
        self._begun = False
        self._failed: ApplianceError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Pass it through until its end or until the caller is gone. Errors before the first byte are raised."""
        await self._race(receive, send)
        if self._failed is not None:
            raise self._failed

    async def _race(self, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, receive, tasks.cancel_scope)
            await self._pass(send)
            tasks.cancel_scope.cancel()

    @staticmethod
    async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
        await receive()  # the body was read whole: the next message is that the caller is gone
        scope.cancel()

    async def _pass(self, send: Send) -> None:
        body = forwarded(self._body, self._target.engine_name, self._engines.salt(self._principal))
        try:
            async with self._engines.ask(self._target, body, self._principal) as inference:
                if not self._body.stream:
                    await self._whole(await inference.whole(), send)
                    return
                await self._begin(send, b"text/event-stream; charset=utf-8")
                async for event in self._wanted(inference.events()):
                    await send(_part(event, more=True))
                await send(_part(b"", more=False))
        except ApplianceError as error:
            await self._break(error, send)

    async def _wanted(self, told: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Leave out the count of tokens, which we always ask for, when the caller did not."""
        async for event in told:
            counts = not self._body.wants_usage and b'"usage"' in event and events.only_usage(events.data(event))
            if not counts:
                yield event

    async def _whole(self, body: bytes, send: Send) -> None:
        await self._begin(send, b"application/json", len(body))
        await send(_part(body, more=False))

    async def _begin(self, send: Send, media: bytes, length: int | None = None) -> None:
        self._begun = True
        headers = [(b"content-type", media)]
        headers.append((b"x-appliance-model-digest", self._target.digest.encode()))
        if self._target.adapter_digest:
            headers.append((b"x-appliance-adapter-digest", self._target.adapter_digest.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})

    async def _break(self, error: ApplianceError, send: Send) -> None:
        """Before the first byte the error is the answer; after it, an event that clients of OpenAI's API raise."""
        if not self._begun:
            self._failed = error
            return
        told = {"message": error.detail, "type": error.code, "param": None, "code": error.status}
        await send(_part(b"data: " + json.dumps({"error": told}).encode() + b"\n\n", more=True))
        await send(_part(b"", more=False))


def _part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
