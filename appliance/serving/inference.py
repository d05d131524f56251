"""One inference: from the engine's first byte to the usage record, which is on disk before the last byte goes out."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import anyio

from appliance.access.principal import Principal
from appliance.drivers.vllm.port import Answer, EngineDown, Upstream
from appliance.kit import clock, offload
from appliance.kit.ids import uuid7
from appliance.serving import events
from appliance.serving.errors import EngineFull, EngineRefused
from appliance.serving.events import DONE, Counted, Events
from appliance.serving.target import Target
from appliance.usage.journal import UsageRecord

PATH = "/v1/chat/completions"
Record = Callable[[UsageRecord], None]


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose account an inference runs, and where that is written down."""

    principal: Principal
    record: Record


class Inference:
    """An answer on its way, counted."""

    def __init__(self, answer: Answer, target: Target, asker: Asker, begun: float) -> None:
        self._answer = answer
        self._target = target
        self._asker = asker
        self._begun = begun
        self._started_at = clock.now()
        self._first: float | None = None
        self._counted: Counted | None = None
        self._pieces = 0
        self._recorded = False

    async def whole(self) -> bytes:
        """The body of an answer that is not streamed."""
        body = await self._answer.body()
        self._first = clock.monotonic()
        self._counted = events.usage(json.loads(body))
        await self.record("done")
        return body

    async def events(self) -> AsyncIterator[bytes]:
        """The events of a streamed answer, the last of them after its usage was recorded."""
        cutter = Events()
        async for chunk in self._answer.chunks():
            for event in cutter.feed(chunk):
                if event == DONE:
                    await self.record("done")
                else:
                    self._see(event)
                yield event
        if not self._recorded:
            raise EngineDown("the engine broke off in the middle of its answer", retry_after=5)

    async def record(self, outcome: str) -> None:
        """Write the usage down, once, even while the caller is being cancelled."""
        if self._recorded:
            return
        self._recorded = True
        now = clock.monotonic()
        counted = self._counted or Counted(completion=self._pieces)
        principal = self._asker.principal
        usage = UsageRecord(
            request_id=uuid7(),
            tenant_id=principal.tenant,
            user_id=principal.user,
            key_id=principal.key,
            route=self._target.route,
            model_digest=self._target.digest,
            adapter_digest=self._target.adapter_digest,
            outcome=outcome,
            prompt_tokens=counted.prompt,
            completion_tokens=counted.completion,
            first_token_seconds=None if self._first is None else self._first - self._begun,
            total_seconds=now - self._begun,
            started_at=self._started_at,
        )
        with anyio.CancelScope(shield=True):
            await offload.run(self._asker.record, usage)

    def _see(self, event: bytes) -> None:
        if self._first is None:
            self._first = clock.monotonic()
        self._pieces += 1
        if b'"usage"' in event:
            self._counted = events.usage(events.data(event)) or self._counted


@asynccontextmanager
async def infer(upstream: Upstream, body: dict[str, Any], target: Target, asker: Asker) -> AsyncIterator[Inference]:
    """Begin an inference; leaving early makes the engine abort it, and what it used until then is recorded.

    Raises :class:`EngineDown`, :class:`EngineFull` or :class:`EngineRefused` before the first byte.
    """
    begun = clock.monotonic()
    async with upstream.post(PATH, body) as answer:
        if answer.status != HTTPStatus.OK:
            raise refusal(answer.status, await answer.body())
        inference = Inference(answer, target, asker, begun)
        try:
            yield inference
        except EngineDown:
            await inference.record("failed")
            raise
        finally:
            await inference.record("aborted")


def refusal(status: int, body: bytes) -> Exception:
    """What an engine's error status means to the caller."""
    try:
        told = str(json.loads(body)["error"]["message"])[:500]
    except (ValueError, KeyError, TypeError):
        told = f"status {status}"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return EngineFull(f"the engine takes no more requests now: {told}", retry_after=2)
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        return EngineRefused(told)
    return EngineDown(f"the engine answered {status}: {told}", retry_after=5)
