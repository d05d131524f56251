"""A job's events as server-sent events: from any number on, to the job's end."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from uuid import UUID

from anyio import sleep
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.jobs.errors import TooManyStreams
from appliance.jobs.job import Event
from appliance.kit import clock, offload
from appliance.kit.errors import ApplianceError

PAUSE = 0.4
"""Seconds between two looks at a job that tells nothing new."""
QUIET = 15.0
"""Seconds of silence after which a comment shows that the line is alive."""


@dataclass(frozen=True, slots=True)
class News:
    """What was told after a number, and whether nothing can follow."""

    events: tuple[Event, ...]
    complete: bool


Read = Callable[[int], News]
"""Looks in a transaction of its own, and raises when the caller may no longer."""


class Places:
    """How many streams each person follows just now: every one looks at the database twice a second.

    For one event loop: nothing here waits.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[UUID] = Counter()

    @contextmanager
    def one(self, user: UUID) -> Iterator[None]:
        """A place while the block runs. Raises :class:`TooManyStreams` (429) when the user has all of his."""
        if self._taken[user] >= self.most:
            raise TooManyStreams(retry_after=5)
        self._taken[user] += 1
        try:
            yield
        finally:
            self._taken[user] -= 1
            if not self._taken[user]:
                del self._taken[user]


class Followed(StreamingResponse):
    """A stream of events that holds a place from its first byte to its last, whoever ends it."""

    def __init__(self, place: AbstractContextManager[None], told: AsyncIterator[str]) -> None:
        super().__init__(told, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises before the first byte when there is no place."""
        with self._place:
            await super().__call__(scope, receive, send)


def frame(event: Event) -> str:
    """One server-sent event; its id is what ``Last-Event-ID`` resumes from."""
    data = json.dumps({**event.data, "at": event.created_at.isoformat()}, ensure_ascii=False)
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n"


async def follow(read: Read, news: News, after: int, *, quiet: float = QUIET) -> AsyncIterator[str]:
    """Tell ``news`` and whatever follows, until the job has ended. A refusal half-way is told as an ``error`` event."""
    told_at = clock.monotonic()
    while True:
        for event in news.events:
            after = event.seq
            told_at = clock.monotonic()
            yield frame(event)
        if news.complete:
            return
        if clock.monotonic() - told_at > quiet:
            told_at = clock.monotonic()
            yield ": still here\n\n"
        if not news.events:
            await sleep(PAUSE)
        try:
            news = await offload.run(read, after)
        except ApplianceError as error:
            yield f"event: error\ndata: {json.dumps(error.problem(), ensure_ascii=False)}\n\n"
            return
