"""How sure text recognition was of a part of a text: of its least sure line. Pure.

Stored are ``[start, end, confidence]`` of each line that was read from a picture, with the revision and with each
passage; null where nothing was.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, Generic, TypeVar

from appliance.knowledge.parsing.parsed import DOUBTFUL, Placed, Recognised

Stored = list[list[Any]]


def stored(lines: Sequence[Recognised]) -> Stored | None:
    """As it stands in a row."""
    return [[one.start, one.end, one.confidence] for one in lines] or None


def lines(kept: Stored | None) -> tuple[Recognised, ...]:
    """What was stored."""
    return tuple(Recognised(*one) for one in kept or ())


Line = TypeVar("Line", Recognised, Placed)


class Ordered(Generic[Line]):
    """The lines of a text, for spans that are asked for in their order: each line is looked at once."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._left: deque[Line] = deque(lines)

    def within(self, start: int, end: int) -> list[Line]:
        """The lines that have a part in this span, which begins no earlier than the one before."""
        while self._left and self._left[0].end <= start:
            self._left.popleft()
        return list(takewhile(lambda line: line.start < end, self._left))


def within(recognised: Iterable[Recognised], start: int, end: int) -> tuple[Recognised, ...]:
    """The lines that have a part in this span."""
    return tuple(one for one in recognised if one.start < end and start < one.end)


def least(recognised: Iterable[Recognised]) -> float | None:
    """Of the least sure line; None where there is none."""
    return min((one.confidence for one in recognised), default=None)


def doubtful(recognised: Iterable[Recognised]) -> int:
    """How many of the lines a reader should compare with the original."""
    return sum(one.confidence < DOUBTFUL for one in recognised)
