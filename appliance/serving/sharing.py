"""Divides an engine's busy time among the requests that run on it at once.

While n requests run, each is charged an nth of every second: so all charges together are the time in which the engine
was busy, however many it batches. Kept as one running sum (as processor sharing is reckoned): O(1) a request.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appliance.kit import clock


class Sharing:
    """One engine's. ``now`` tells seconds; only differences mean anything. Safe from several threads."""

    def __init__(self, now: Callable[[], float] = clock.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._running = 0
        self._at = now()
        self._each = 0.0

    @contextmanager
    def running(self) -> Iterator["Share"]:
        """A request runs on the engine."""
        share = Share(self, self._moved(1))
        try:
            yield share
        finally:
            self._moved(-1)

    def each(self) -> float:
        """What a request that ran from the beginning was charged until now."""
        return self._moved(0)

    def _moved(self, more: int) -> float:
        with self._lock:
            now = self._now()
            if self._running:
                self._each += (now - self._at) / self._running
            self._at = now
            self._running += more
            return self._each


class Share:
    """One request's part of its engine."""

    def __init__(self, sharing: Sharing, begun: float) -> None:
        self._sharing = sharing
        self._begun = begun

    def seconds(self) -> float:
        """What it was charged until now."""
        return self._sharing.each() - self._begun
