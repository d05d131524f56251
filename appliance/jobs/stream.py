"""A job's events as server-sent events: from any number on, to the job's end."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from anyio import sleep

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
