"""Divides an engine's busy time among the requests that run on it at once.

While n requests run, each is charged an nth of every second: so all charges together are the time in which the engine
was busy, however many it batches. Kept as one running sum (as processor sharing is reckoned): O(1) a request.
"""

import threading
from collections.abc import Callable
from typing import Self

from appliance.kit import clock


class Sharing:
    """One engine's. ``now`` tells seconds; only differences mean anything. Safe from several threads."""

    def __init__(self, now: Callable[[], float] = clock.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._running = 0
        self._at = now()
        self._each = 0.0

    @property
    def busy(self) -> int:
        """How many requests run on the engine."""
        return self._running

    def running(self) -> "Share":
        """A request runs on the engine, as long as this is open as a context."""
        return Share(self)

    def moved(self, more: int = 0) -> float:
        """What a request that ran from the beginning was charged until now, from when on so many ``more`` run."""
        with self._lock:
            now = self._now()
            if self._running:
                self._each += (now - self._at) / self._running
            self._at = now
            self._running += more
            return self._each


class Share:
    """One request's part of its engine, while its context is open. A class: a generator's context costs more."""

    __slots__ = ("_begun", "_sharing")

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing
        self._begun = 0.0

    def __enter__(self) -> Self:
        """It begins."""
        self._begun = self._sharing.moved(1)
        return self

    def __exit__(self, *_: object) -> None:
        """It is over."""
        self._sharing.moved(-1)

    def seconds(self) -> float:
        """What it was charged until now."""
        return self._sharing.moved() - self._begun
