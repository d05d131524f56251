"""One inference: from the engine's first byte to the usage record, which is on disk before the last byte goes out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Final, Self

from msgspec import Struct, field

from appliance.access.principal import Principal
from appliance.audit.origin import Origin, current
from appliance.drivers.vllm.port import Answer, EngineDown
from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.serving import events
from appliance.serving.errors import EngineFull, EngineRefused
from appliance.serving.events import DONE, Counted, Events, Meter
from appliance.serving.meters import Meters
from appliance.serving.target import Target
from appliance.usage.journal import UsageRecord

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
_OK: Final = HTTPStatus.OK.value
Record = Callable[[UsageRecord], None]


class Asker(Struct, frozen=True):
    """On whose account an inference runs, where that is written down, and how long it waited for its turn (seconds)."""

    principal: Principal
    record: Record
    waited: float = 0.0
    meters: Meters | None = None
    came: Origin = field(default_factory=current)


class Inference:
    """A request that an engine was sent, counted. As a context: what was used until it is left is recorded.

    ``begun``: the moment of the monotonic clock at which it was sent.
    """

    def __init__(self, target: Target, asker: Asker, begun: float, choices: int = 1) -> None:
        self._answer: Answer | None = None
        self._target = target
        self._asker = asker
        self._begun = begun
        self._started_at = clock.now()
        self._first: float | None = None
        self._meter = Meter(choices)
        self._whole: Counted | None = None
        self._recorded = False

    def __enter__(self) -> Self:
        """It begins."""
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Whether the engine or the caller broke it off, where it has not ended by itself.

        An engine sends the head of a whole answer with its end: who leaves before has used the engine all the same.
        """
        if self._answer is not None or isinstance(error, asyncio.CancelledError):
            self.record("failed" if isinstance(error, EngineDown) else "aborted")

    async def hear(self, answer: Answer) -> Self:
        """Take the engine's answer. Raises ``EngineDown``, ``EngineFull`` or ``EngineRefused`` where it is none."""
        if answer.status != _OK:
            raise refusal(answer.status, await answer.body())
        self._answer = answer
        return self

    async def whole(self) -> bytes:
        """The body of an answer that is not streamed."""
        body = await self._heard().body()
        self._first = clock.monotonic()
        self._whole = events.usage(body)
        self.record("done")
        return body

    async def pieces(self, *, counts: bool = False) -> AsyncIterator[bytes]:
        """A streamed answer, event by event or several at once; what ends it comes after its usage was recorded.

        ``counts``: with the event that tells the sum of tokens. Raises :class:`EngineDown` when it breaks off.
        """
        cutter, see = Events(), self._meter.see
        async for chunk in self._heard().chunks():
            if self._first is None:
                self._first = clock.monotonic()
            piece = bytearray()
            for event in cutter.feed(chunk):
                if event == DONE:
                    self.record("done")
                    piece += (self._meter.final or b"") if counts else b""
                    piece += DONE
                else:
                    piece += see(event) or b""
            if piece:
                yield bytes(piece)
        if not self._recorded:
            raise EngineDown("the engine broke off in the middle of its answer", retry_after=5)

    def _heard(self) -> Answer:
        if self._answer is None:
            raise EngineDown("the engine has not answered", retry_after=5)
        return self._answer

    def record(self, outcome: str) -> None:
        """Write the usage down, once: a line in the page cache, which does not wait for a disk."""
        if self._recorded:
            return
        self._recorded = True
        now = clock.monotonic()
        counted = self._whole or self._meter.counted()
        usage = self._usage(outcome, counted, now)
        self._asker.record(usage)
        if self._asker.meters is not None:
            waited = self._asker.waited + (counted.queued or 0.0)
            self._asker.meters.inference(self._target.model, usage, counted.cached, waited)

    def _usage(self, outcome: str, counted: Counted, now: float) -> UsageRecord:
        principal, target = self._asker.principal, self._target
        return UsageRecord(
            request_id=uuid7(),
            tenant_id=principal.tenant,
            user_id=principal.user,
            key_id=principal.key,
            route=target.route,
            model_digest=target.digest,
            adapter_digest=target.adapter_digest,
            outcome=outcome,
            prompt_tokens=counted.prompt,
            completion_tokens=counted.completion,
            first_token_seconds=None if self._first is None else self._first - self._begun,
            total_seconds=now - self._begun,
            started_at=self._started_at,
            asked=self._asker.came.request_id,
            source=self._asker.came.source,
            cached_tokens=counted.cached,
            queue_seconds=self._asker.waited + (counted.queued or 0.0),
        )


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
