"""Where a passage stands on its pages: a box for each page and column that it touches, over its lines there. Pure.

Stored with each passage are ``[start, end, left, top, right, bottom]`` of each of its lines of which that is known, the
last four in ten-thousandths of the page; the page is the passage's own, since none crosses one. So a quote has the
boxes of the lines that it is of.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from appliance.knowledge.parsing.parsed import FINE, Placed

Stored = list[list[int]]
Sheet = tuple[int, Stored]
"""A page and lines on it, as they are stored with a passage."""

MOST: Final = 6
"""Boxes of a page; what is in more pieces than that is told as one."""
_BACK: Final = 0.5
"""Heights of a line; what stands further above the line before it is at the head of the next column."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a page as it is shown, in fractions of its width and height from its upper left corner."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


def stored(lines: Iterable[Placed]) -> Stored | None:
    """As it stands in a row."""
    return [[one.start, one.end, *one.spot] for one in lines] or None


def sheet(page: int | None, kept: Stored | None) -> tuple[Sheet, ...]:
    """Of one row; nothing where nothing is known."""
    return ((page, kept),) if page is not None and kept else ()


def boxes(sheets: Sequence[Sheet], span: tuple[int, int] | None = None) -> tuple[Box, ...]:
    """The boxes of these lines, in the order in which they are read; of those alone that the span has a part of."""
    lines = ((page, line) for page, kept in sheets for line in kept if span is None or _meets(line, span))
    return tuple(box for page, its in groupby(lines, lambda one: one[0]) for box in _of_page(page, its))


def _meets(line: Sequence[int], span: tuple[int, int]) -> bool:
    return line[0] < span[1] and span[0] < line[1]


def _of_page(page: int, lines: Iterable[tuple[int, Sequence[int]]]) -> Iterator[Box]:
    found: list[list[int]] = []
    above = 0
    for _, (_, _, *edges) in lines:
        top, bottom = edges[1], edges[3]
        if found and _beneath(found[-1], edges) and top >= above - _BACK * (bottom - top):
            found[-1] = _around(found[-1], edges)
        else:
            found.append(edges)
        above = top
    if len(found) > MOST:
        found = [_around(*found)]
    for left, top, right, bottom in found:
        yield Box(page, left / FINE, top / FINE, right / FINE, bottom / FINE)


def _beneath(box: Sequence[int], line: Sequence[int]) -> bool:
    """Whether one stands above the other, and not beside it."""
    return line[0] < box[2] and box[0] < line[2]


def _around(*parts: Sequence[int]) -> list[int]:
    lefts, tops, rights, bottoms = zip(*parts, strict=True)
    return [min(lefts), min(tops), max(rights), max(bottoms)]
