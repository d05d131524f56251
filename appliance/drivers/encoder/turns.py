"""One encoder for many callers: one forward pass at a time, urgent texts first at each boundary between passes.

All passes run on one thread: torch keeps a pool of helpers for every thread that calls it, and two passes at once on
the same cores are slower than one after the other.
"""

import heapq
import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from appliance.drivers.encoder.batching import batches
from appliance.drivers.encoder.port import Described, Encoder, EncoderNotReady

Vectors = NDArray[np.float32]

_URGENT, _ORDINARY = 0, 1


@dataclass(order=True, slots=True)
class _Turn:
    """One forward pass that waits. Ordered by priority, then by arrival."""

    priority: int
    arrival: int
    texts: list[str] = field(compare=False)
    done: "Future[Vectors]" = field(compare=False)


class Turns(Described):
    """Puts a queue before an encoder that is not safe to share."""

    def __init__(self, encoder: Encoder, batch: int = 32) -> None:
        super().__init__(encoder.about)
        self._encoder = encoder
        self._batch = batch
        self._arrivals = itertools.count()
        self._waiting: list[_Turn] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """Wait for the turns of these texts. Raises :class:`EncoderNotReady` when closed meanwhile."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not texts:
            return vectors
        lengths = [min(length, self.about.longest) for length in self.tokens(texts)]
        groups = batches(lengths, self._batch)
        turns = [self._ask([texts[place] for place in group], urgent=urgent) for group in groups]
        for group, turn in zip(groups, turns, strict=True):
            vectors[group] = turn.result()
        return vectors

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Counted at once, beside any pass."""
        return self._encoder.tokens(texts)

    def close(self) -> None:
        """Finish the pass that runs; what waits gets :class:`EncoderNotReady`."""
        with self._changed:
            self._closed = True
            for turn in self._waiting:
                turn.done.set_exception(EncoderNotReady("the encoder is stopping", retry_after=5))
            self._waiting.clear()
            self._changed.notify()
        self._thread.join()

    def _ask(self, texts: list[str], *, urgent: bool) -> "Future[Vectors]":
        done: Future[Vectors] = Future()
        with self._changed:
            if self._closed:
                raise EncoderNotReady("the encoder is stopping", retry_after=5)
            turn = _Turn(_URGENT if urgent else _ORDINARY, next(self._arrivals), texts, done)
            heapq.heappush(self._waiting, turn)
            self._changed.notify()
        return done

    def _next(self) -> _Turn | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return heapq.heappop(self._waiting) if self._waiting else None

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            try:
                turn.done.set_result(self._encoder.encode(turn.texts))
            except Exception as error:  # noqa: BLE001 - the thread's edge: the caller who waits gets it
                turn.done.set_exception(error)
