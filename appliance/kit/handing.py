"""Handing what a thread made to async code that may be gone by then: it is taken, or it is undone, never lost.

A task that is cancelled while a thread works for it gets no result: a reservation would stay reserved for ever.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from appliance.kit import offload

T = TypeVar("T")


class _Hand(Generic[T]):
    """One thing on its way."""

    def __init__(self, make: Callable[[], T], undo: Callable[[T], None]) -> None:
        self._make = make
        self._undo = undo
        self._lock = threading.Lock()
        self._made: list[T] = []
        self._gone = False

    def make(self) -> T:
        """In the thread."""
        made = self._make()
        with self._lock:
            self._made.append(made)
            if self._gone:
                self._undo(made)
        return made

    def drop(self) -> None:
        """Nobody takes it any more."""
        with self._lock:
            self._gone = True
            for made in self._made:
                self._undo(made)


async def taken(make: Callable[[], T], undo: Callable[[T], None]) -> T:
    """What ``make`` makes in a thread; undone when this task is cancelled meanwhile."""
    hand = _Hand(make, undo)
    try:
        return await offload.run(hand.make)
    except BaseException:
        hand.drop()
        raise
