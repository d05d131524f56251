"""One encoder for many callers: one forward pass at a time, urgent texts first at each boundary between passes.

All passes run on one thread: torch keeps a pool of helpers for every thread that calls it, and two passes at once on
the same cores are slower than one after the other. Ordinary texts of all callers wait together, so that a pass holds
texts of about one length though each caller's are few: the rest of a pass is padding.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from appliance.drivers.encoder.batching import batches
from appliance.drivers.encoder.port import Described, Encoder, EncoderNotReady

Vectors = NDArray[np.float32]
T = TypeVar("T")

_LOOKED_AT: Final = 128
"""How many of the texts that wait longest are grouped: enough of each length, and 2 ms of work."""


@dataclass(slots=True, eq=False)
class _Call:
    """One caller who waits for ``left`` more vectors."""

    vectors: Vectors
    left: int
    done: "Future[Vectors]" = field(default_factory=Future)


@dataclass(slots=True)
class _Waiting:
    """One text, and where its vector goes."""

    text: str
    length: int
    call: _Call
    place: int


@dataclass(slots=True, eq=False)
class _Errand:
    """A pass of another model, which must not run beside one of this."""

    errand: Callable[[], Any]
    done: "Future[Any]"

    def run(self) -> None:
        """Do it, and tell who waits."""
        try:
            self.done.set_result(self.errand())
        except Exception as error:  # noqa: BLE001 - the thread's edge: the caller who waits gets it
            self.done.set_exception(error)


class Turns(Described):
    """Puts a queue before an encoder that is not safe to share."""

    def __init__(self, encoder: Encoder, batch: int = 32) -> None:
        super().__init__(encoder.about)
        self._encoder = encoder
        self._batch = batch
        self._urgent: deque[_Waiting] = deque()
        self._errands: deque[_Errand] = deque()
        self._ordinary: list[_Waiting] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """Wait for the turns of these texts. Raises :class:`EncoderNotReady` when closed meanwhile."""
        call = _Call(np.zeros((len(texts), self.dimensions), dtype=np.float32), len(texts))
        if not texts:
            return call.vectors
        lengths = [min(length, self.about.longest) for length in self.tokens(texts)]
        waiting = [_Waiting(text, lengths[place], call, place) for place, text in enumerate(texts)]
        with self._changed:
            if self._closed:
                raise EncoderNotReady("the encoder is stopping", retry_after=5)
            (self._urgent if urgent else self._ordinary).extend(waiting)
            self._changed.notify()
        return call.done.result()

    def do(self, errand: Callable[[], T]) -> T:
        """Wait for the turn of another model's pass: after urgent texts, before all others. Raises as ``encode``."""
        done: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise EncoderNotReady("the encoder is stopping", retry_after=5)
            self._errands.append(_Errand(errand, done))
            self._changed.notify()
        return done.result()

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Counted at once, beside any pass."""
        return self._encoder.tokens(texts)

    def waiting(self) -> int:
        """How many texts have no turn yet."""
        with self._changed:
            return len(self._urgent) + len(self._ordinary)

    def close(self) -> None:
        """Finish the pass that runs; what waits gets :class:`EncoderNotReady`."""
        with self._changed:
            self._closed = True
            for one in (*self._urgent, *self._ordinary):
                _fail(one.call, EncoderNotReady("the encoder is stopping", retry_after=5))
            for errand in self._errands:
                errand.done.set_exception(EncoderNotReady("the encoder is stopping", retry_after=5))
            self._urgent.clear()
            self._ordinary.clear()
            self._errands.clear()
            self._changed.notify()
        self._thread.join()

    def _next(self) -> "list[_Waiting] | _Errand":
        """The texts of the next pass: urgent ones, else those that go best with the text that waits longest."""
        with self._changed:
            self._changed.wait_for(lambda: self._urgent or self._ordinary or self._errands or self._closed)
            if self._errands and not self._urgent:
                return self._errands.popleft()
            source = self._urgent or self._ordinary
            looked_at = [source[place] for place in range(min(len(source), _LOOKED_AT))]
            if not looked_at:
                return []
            groups = batches([one.length for one in looked_at], self._batch)
            chosen = next(sorted(group) for group in groups if 0 in group)
            for place in reversed(chosen):
                del source[place]
            return [looked_at[place] for place in chosen]

    def _run(self) -> None:
        while texts := self._next():
            if isinstance(texts, _Errand):
                texts.run()
                continue
            calls = {id(one.call): one.call for one in texts}
            try:
                self._encode(texts)
            except Exception as error:  # noqa: BLE001 - the thread's edge: the caller who waits gets it
                if len(calls) == 1:
                    self._drop(texts[0].call, error)
                    continue
                for call in calls.values():  # whose text it was shows when each has a pass of its own
                    self._alone([one for one in texts if one.call is call])

    def _alone(self, texts: list[_Waiting]) -> None:
        try:
            self._encode(texts)
        except Exception as error:  # noqa: BLE001 - as above
            self._drop(texts[0].call, error)

    def _encode(self, texts: list[_Waiting]) -> None:
        """One pass; who has all of his vectors now goes on."""
        for one, vector in zip(texts, self._encoder.encode([one.text for one in texts]), strict=True):
            one.call.vectors[one.place] = vector
            one.call.left -= 1
            if not one.call.left and not one.call.done.done():
                one.call.done.set_result(one.call.vectors)

    def _drop(self, call: _Call, error: Exception) -> None:
        """Tell a caller, and forget the rest of his texts."""
        with self._changed:
            self._urgent = deque(one for one in self._urgent if one.call is not call)
            self._ordinary = [one for one in self._ordinary if one.call is not call]
        _fail(call, error)


def _fail(call: _Call, error: Exception) -> None:
    if not call.done.done():
        call.done.set_exception(error)
