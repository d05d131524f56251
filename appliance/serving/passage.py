"""Passing an engine's answer through to the caller."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.types import Message, Send

from appliance.access.principal import Principal
from appliance.kit.errors import ApplianceError
from appliance.serving.bodies import Asked
from appliance.serving.completions import forwarded
from appliance.serving.errors import DeadlinePassed
from appliance.serving.service import Engines
from appliance.serving.target import Target

LEAVING: Final = "appliance.leaving"
"""The extension of ASGI's scope with a future that is done when the caller's connection is: our server has it."""
_OK: Final = HTTPStatus.OK.value
"""Python 3.11 looks a member up by a function, each time."""
Provenance = Mapping[str, str]
"""Headers that tell what an answer comes from."""


class Passage:
    """The answer to one completion, streamed or whole."""

    def __init__(self, engines: Engines, target: Target, body: Asked, principal: Principal, path: str) -> None:
        self._engines = engines
        self._target = target
        self._body = body
        self._principal = principal
        self._path = path
        self._begun = False
        self._failed: ApplianceError | None = None

    async def run(self, request: Request, send: Send) -> None:
        """Pass it through until its end or until the caller is gone. Errors before the first byte are raised."""
        seconds = self._engines.limits.answer_seconds
        ending = _Ending()
        timer = asyncio.get_running_loop().call_later(seconds, ending.end, _LATE)
        leaving: asyncio.Future[Any] | None = request.scope.get("extensions", {}).get(LEAVING)
        # the body was read whole: what comes next is that the caller is gone; but a task costs much more than a future
        watch = leaving or asyncio.ensure_future(request.receive())
        watch.add_done_callback(ending.gone)
        cut = None
        try:
            await self._pass(send)
        except asyncio.CancelledError:
            if not ending.was_ours():
                raise
            cut = ending.why
        finally:
            ending.why = ending.why or _OVER
            timer.cancel()
            watch.remove_done_callback(ending.gone)
            if watch is not leaving:
                watch.cancel()
        if cut == _LATE:
            await self._break(DeadlinePassed(f"the answer took more than {seconds:g} seconds", retry_after=30), send)
        if self._failed is not None:
            self._failed.headers.update(provenance(self._target))
            raise self._failed

    async def _pass(self, send: Send) -> None:
        body = forwarded(self._body, self._target.engine_name, self._engines.salt(self._principal))
        try:
            async with self._engines.ask(self._target, body, self._principal, self._path) as inference:
                if not self._body.stream:
                    whole = await inference.whole()
                    self._begun = True
                    await answer(send, whole, provenance(self._target))
                    return
                self._begun = True
                await begin(send, b"text/event-stream; charset=utf-8", provenance(self._target))
                async for piece in inference.pieces(counts=self._body.wants_usage):
                    await send(part(piece, more=True))
                await send(part(b"", more=False))
        except ApplianceError as error:
            await self._break(error, send)

    async def _break(self, error: ApplianceError, send: Send) -> None:
        """Before the first byte the error is the answer; after it, an event that clients of OpenAI's API raise."""
        if not self._begun:
            self._failed = error
            return
        told = {"message": error.detail, "type": error.code, "param": None, "code": error.status}
        await send(part(b"data: " + json.dumps({"error": told}).encode() + b"\n\n", more=True))
        await send(part(b"", more=False))


_LATE, _LEFT, _OVER = "late", "left", "over"


class _Ending:
    """Why the present task ends before its work: once, and by a cancel that is told from others'.

    By hand, as scopes of anyio cost more than all that an answer needs else.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self._task = asyncio.current_task()

    def end(self, why: str) -> None:
        """Cancel it, unless it is over."""
        if self.why is None and self._task is not None:
            self.why = why
            self._task.cancel()

    def gone(self, watch: "asyncio.Future[Any]") -> None:
        """The caller is."""
        if not watch.cancelled():
            self.end(_LEFT)

    def was_ours(self) -> bool:
        """Whether the cancel that came was this one and nobody else wants the task to end."""
        return self.why is not None and self._task is not None and self._task.uncancel() == 0


def provenance(target: Target) -> Provenance:
    """What an answer of this target comes from."""
    told = {"x-appliance-route": target.route, "x-appliance-model-digest": target.digest}
    if target.adapter_digest:
        told["x-appliance-adapter-digest"] = target.adapter_digest
    return told


async def begin(send: Send, media: bytes, told: Provenance, length: int | None = None) -> None:
    """The status and the headers of an answer."""
    headers = [(b"content-type", media), *((name.encode(), value.encode()) for name, value in told.items())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": _OK, "headers": headers})


async def answer(send: Send, body: bytes, told: Provenance) -> None:
    """A whole answer in JSON."""
    await begin(send, b"application/json", told, len(body))
    await send(part(body, more=False))


def part(body: bytes, *, more: bool) -> Message:
    """A piece of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}
