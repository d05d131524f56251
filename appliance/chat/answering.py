"""The life of a question after the caller is known: search, begin, compose or quote, attribute, keep (DESIGN §6).

All that can be refused with a status is done in :meth:`Answering.prepare`, before the first byte of the answer. No
database session is held while the engine is waited for. An answer is pending in the database from before its first
byte; whatever ends it early, a fault, a caller who left, a killed process, closes it as interrupted or failed.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

import anyio

from appliance.access.principal import Principal
from appliance.chat import mode, prompt, quoting
from appliance.chat.answer import Answer, untold
from appliance.chat.evidence import pool
from appliance.chat.following import condense
from appliance.chat.likeness import Likeness, no_likeness
from appliance.chat.mode import Choice
from appliance.chat.prepared import Asking, Event, Ground, Order, Prepared
from appliance.chat.retrieval import Retrieval
from appliance.chat.schemas import AnswerView, CitationView, SentenceView
from appliance.chat.service import Conversations, Pending
from appliance.chat.writing import Told, Writing, replacement
from appliance.kit import clock, log, offload
from appliance.kit.database import Database
from appliance.kit.errors import ApplianceError
from appliance.serving.events import Delta
from appliance.serving.routes import DEFAULT
from appliance.serving.service import Engines
from appliance.serving.target import Target
from appliance.usage.errors import QuotaUnknown

_logger = log.get(__name__)

PASSAGES: Final = 8
"""Passages that are searched for quotes."""
PROMPT_TOKENS: Final = 1800
"""What the model is given to read at most, whatever its context: the answer is one sentence."""
PATIENCE: Final = 60.0
"""Seconds that the engine has for the whole answer; after that the quotes stand."""
ABANDONED: Final = 30.0
"""Seconds after which what was reserved for an answer that nobody began is given back."""


@dataclass(slots=True)
class _Outcome:
    """What composing came to; the quotes stand unless it says otherwise."""

    answer: Answer
    first: float | None = None


class Answering:
    """Answers questions. ``database`` is the app login's; ``patience``: the engine's seconds for a whole answer."""

    def __init__(
        self,
        database: Database,
        retrieval: Retrieval,
        engines: Engines,
        patience: float = PATIENCE,
        likeness: Likeness = no_likeness,
    ) -> None:
        self._database = database
        self._retrieval = retrieval
        self._engines = engines
        self._patience = patience
        self._likeness = likeness
        self._route = DEFAULT
        self.abandoned = ABANDONED

    async def prepare(self, asking: Asking, principal: Principal) -> Prepared:
        """Search, reserve, begin. Raises what those raise, ``OverQuota`` too, and then nothing is kept."""
        begun = clock.monotonic()
        ground = await offload.run(self._ground, asking, principal)
        order, choice = None, ground.choice
        if choice.mode == "composed" and ground.target is not None:
            try:
                order = await self._order(ground, ground.target, principal)
            except QuotaUnknown:  # nobody is over anything: the documents answer, which costs nothing
                choice = Choice("quoted", "engine")
        try:
            pending = await offload.run(self._begin, asking, principal, ground.found.language)
        except BaseException:
            if order is not None:
                order.forgo()
            raise
        return Prepared(principal, replace(ground, choice=choice), order, pending, begun)

    async def stream(self, prepared: Prepared) -> AsyncGenerator[Event, None]:
        """The answer as it comes; its last event is ``done``. Close it early to abort the engine.

        Raises what keeping the answer raises; it is closed as failed then.
        """
        state = "interrupted"
        try:
            async with aclosing(self._events(prepared)) as events:
                async for event in events:
                    state = "done" if event.name == "done" else state
                    yield event
        except Exception:
            state = "failed"
            raise
        finally:
            if state != "done":
                with anyio.CancelScope(shield=True):
                    await offload.run(self._give_up, prepared, state)

    def _ground(self, asking: Asking, principal: Principal) -> Ground:
        with self._database.session(principal.tenant) as session:
            earlier = Conversations(session, principal).earlier(asking.conversation)
        question = condense(asking.question, earlier)
        found = self._retrieval.find(question.search, principal, asking.collections, PASSAGES)
        ground = pool(found.sources)
        quotes = tuple(quoting.ranked(question, ground, found.same))
        chosen = quoting.chosen(quotes, ground, quoting.enough(found.language))
        target, running = self._target(principal)
        choice = mode.before(
            chosen,
            quoted_only=asking.quoted_only,
            spoken=target is None or mode.speaks(target.languages, found.language),
            engine=running,
        )
        return Ground(question, found, ground, quotes, chosen, choice, target)

    async def _order(self, ground: Ground, target: Target, principal: Principal) -> Order | None:
        """Reserve what the model's answer may cost; None where no passage has room. Raises ``OverQuota``."""
        sources = quoting.worth_reading(ground.quotes, ground.pool)
        packed = prompt.pack(ground.question, sources, min(target.context, PROMPT_TOKENS))
        if not packed.used:
            return None
        reservation = await self._engines.reserve(target, packed.messages, prompt.ANSWER_TOKENS, principal)
        dropped = asyncio.get_running_loop().call_later(self.abandoned, reservation.forgo)
        return Order(target, packed.messages, reservation, dropped)

    def _begin(self, asking: Asking, principal: Principal, language: str) -> Pending:
        with self._database.session(principal.tenant) as session:
            return Conversations(session, principal).begin(asking.conversation, asking.question, language)

    def _target(self, principal: Principal) -> tuple[Target | None, bool]:
        """The engine behind the route, and whether it is known to run."""
        target: Target | None = None
        try:
            target = self._engines.target(self._route, principal.tenant, principal.user.hex)
            target.check(clock.now())
        except ApplianceError:
            return target, False
        return target, True

    async def _events(self, prepared: Prepared) -> AsyncGenerator[Event, None]:
        ground, found = prepared.ground, prepared.ground.found
        yield Event("status", {"stage": "searching", "detail": found.note or " + ".join(found.legs)})
        yield Event("status", {"stage": "reading", "detail": f"{len(found.sources)} passages"})
        outcome = _Outcome(
            replacement(ground.choice, ground.chosen, ground.pool, found.language, question=ground.question.text)
        )
        if ground.choice.mode == "composed" and ground.target is not None:
            async with aclosing(self._compose(prepared, ground.target, outcome)) as composing:
                async for event in composing:
                    yield event
            if outcome.answer.mode != "composed":
                told = {"mode": outcome.answer.mode, "answer": outcome.answer.text, "reason": outcome.answer.reason}
                yield Event("replaced", told)
        else:
            yield Event("delta", {"text": outcome.answer.text})
        if outcome.answer.mode != "composed":
            for event in _told(_whole(outcome.answer)):
                yield event
        yield Event("done", await offload.run(self._keep, prepared, outcome))

    async def _compose(self, prepared: Prepared, target: Target, outcome: _Outcome) -> AsyncGenerator[Event, None]:
        """Deltas, and each sentence as it ends; what stands at the end is put into ``outcome``."""
        yield Event("status", {"stage": "writing", "detail": target.model})
        ground = prepared.ground
        writing = Writing(ground.question.text, ground.pool, ground.chosen, self._likeness)
        try:
            async with aclosing(self._deltas(prepared)) as deltas:
                async for delta in deltas:
                    writing.add(delta.text)
                    yield Event("delta", {"text": delta.text})
                    for event in _told(await offload.run(writing.sentences, last=False)):
                        yield event
        except (ApplianceError, TimeoutError) as error:
            _logger.warning("no answer from the engine", error=str(error) or type(error).__name__)
            outcome.answer = replace(outcome.answer, reason="engine")
            return
        for event in _told(await offload.run(writing.sentences, last=True)):
            yield event
        outcome.answer, outcome.first = await offload.run(writing.answer), writing.first

    async def _deltas(self, prepared: Prepared) -> AsyncGenerator[Delta, None]:
        """The engine's pieces. Raises TimeoutError when the whole takes too long."""
        order = prepared.order
        if order is None:
            return
        stream = self._engines.stream(
            order.target, order.messages, prompt.ANSWER_TOKENS, prepared.principal, order.take()
        )
        deadline = clock.monotonic() + self._patience
        async with aclosing(stream) as pieces:
            while True:
                async with asyncio.timeout(max(deadline - clock.monotonic(), 0)):
                    delta = await anext(pieces, None)
                if delta is None:
                    return
                yield delta

    def _keep(self, prepared: Prepared, outcome: _Outcome) -> dict[str, Any]:
        """Write the answer down, unless what it rests on was deleted or taken from this reader meanwhile."""
        answer, principal = outcome.answer, prepared.principal
        with self._database.session(principal.tenant) as session:
            cited = {citation.document_id for citation in answer.citations}
            if cited - self._retrieval.hold(session, principal, cited):
                answer = untold(prepared.ground.found.language, "deleted")
            provenance = self._provenance(prepared, answer)
            Conversations(session, principal).finish(prepared.pending, answer, provenance)
        timings = {**prepared.ground.found.timings, "answer_ms": _milliseconds(clock.monotonic() - prepared.begun)}
        if outcome.first is not None:
            timings["first_token_ms"] = _milliseconds(outcome.first - prepared.begun)
        view = AnswerView(
            conversation=prepared.pending.conversation,
            message=prepared.pending.message,
            answer=answer.text,
            mode=answer.mode,
            language=prepared.ground.found.language,
            sentences=[SentenceView.of(one) for one in answer.sentences],
            citations=[CitationView.of(one) for one in answer.citations],
            provenance=provenance,
            timings=timings,
        )
        return view.model_dump(mode="json")

    def _provenance(self, prepared: Prepared, answer: Answer) -> dict[str, Any]:
        """What the answer rests on: the model only where it had a part in it."""
        asked = prepared.ground.target if prepared.ground.choice.mode == "composed" else None
        return {
            "reason": answer.reason,
            "legs": list(prepared.ground.found.legs),
            "searched": prepared.ground.question.search,
            "route": self._route if asked else None,
            "model": asked.model if asked else None,
            "model_digest": asked.digest if asked else None,
            "prompt_version": prompt.VERSION if asked else None,
        }

    def _give_up(self, prepared: Prepared, state: str) -> None:
        with self._database.session(prepared.principal.tenant) as session:
            Conversations(session, prepared.principal).give_up(prepared.pending, state)


def _whole(answer: Answer) -> list[Told]:
    """All sentences of an answer with what they cite."""
    cited = {one.number: one for one in answer.citations}
    return [
        (index, one, tuple(cited[number] for number in one.citations)) for index, one in enumerate(answer.sentences)
    ]


def _told(sentences: Iterable[Told]) -> list[Event]:
    return [
        Event(
            "sentence",
            {
                "index": index,
                "text": sentence.text,
                "supported": sentence.supported,
                "contradicted_by": list(sentence.contradicted_by),
                "citations": [CitationView.of(one).model_dump(mode="json") for one in cited],
            },
        )
        for index, sentence, cited in sentences
    ]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
