"""Columns of running text among what was recognised on a page, in the order in which they are read. Pure.

A page is divided at a gutter: an upright strip that few pieces cross. What crosses it (a title, a line over both
columns) ends the columns above and begins others below. Whether two sides are columns or a table's cells is told by
their rows: those of running text are mostly as long as the column is wide, are not short, and stand close; or else they
do not stand beside each other as a table's do, and enough of them are long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, median_high
from typing import Final

from appliance.drivers.ocr.port import Seen

_OVERLAP: Final = 0.5
_FILLED: Final = 0.75
"""The usual row of running text, as a part of the longest; cells of a table differ more."""
_WIDE: Final = 7.0
"""Heights of a line: no column of running text is narrower, some seven ideographs or fifteen letters."""
_CLOSE: Final = 1.7
"""Heights of a line from one row to the next; a table's rows stand further apart."""
_LONG: Final = 12.0
"""Heights of a line that no cell of a narrow column has."""
_LONG_SHARE: Final = 0.25
_BESIDE: Final = 0.25
"""Heights of a line by which the rows of a table differ from side to side, the page's slant apart."""
_ALIGNED: Final = 0.75
"""The rows of a table that have one beside them; of columns with headings and paragraphs, by chance, half have."""
_FEWEST: Final = (2, 3)
"""Rows of the shorter column, and of the longer one."""
_GUTTER: Final = 0.4
"""Heights of a line between two columns at least; what is recognised has boxes wider than its letters."""
_TRIED: Final = 12
"""Places for a gutter that are looked at, those first that least crosses."""


def rows(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Pieces side by side make one row, from left to right; rows from above."""
    found: list[list[Seen]] = []
    for piece in sorted(seen, key=_middle):
        if found and _beside(found[-1][-1], piece):
            found[-1].append(piece)
        else:
            found.append([piece])
    return [sorted(row, key=lambda one: one.left) for row in found]


def columns(seen: Sequence[Seen]) -> list[list[Seen]]:
    """The parts of a page that are read one after the other; a page without columns is one part."""
    if len(seen) < sum(_FEWEST):
        return [list(seen)]
    usual = median(one.bottom - one.top for one in seen)
    for place in _places(seen, usual):
        bands = _bands(seen, place, usual)
        if any(band.right for band in bands):
            return [part for band in bands for side in band.sides() for part in _further(side, seen)]
    return [list(seen)]


@dataclass(frozen=True, slots=True)
class _Band:
    """A part of a page: two columns, or all of it in ``left``."""

    left: list[Seen]
    right: list[Seen]

    def sides(self) -> list[list[Seen]]:
        return [self.left, self.right] if self.right else [self.left]


def _further(part: list[Seen], whole: Sequence[Seen]) -> list[list[Seen]]:
    return columns(part) if len(part) < len(whole) else [part]


def _places(seen: Sequence[Seen], usual: float) -> list[float]:
    """Where a gutter may be: right of a piece, left of others; what fewest pieces cross comes first."""
    rightmost = max(one.left for one in seen)
    beside = {one.right + _GUTTER * usual for one in seen if one.right + _GUTTER * usual <= rightmost}
    places = {place: sum(one.left < place < one.right for one in seen) for place in beside}
    return sorted(places, key=lambda place: (places[place], place))[:_TRIED]


def _bands(seen: Sequence[Seen], place: float, usual: float) -> list[_Band]:
    """From above: bands of columns between what crosses the gutter; what is no columns is joined to its neighbours."""
    bands: list[_Band] = []
    left: list[Seen] = []
    right: list[Seen] = []

    def end() -> None:
        if _columns(left, right, usual):
            bands.append(_Band(left.copy(), right.copy()))
        elif left or right:
            _join(bands, [*left, *right])
        left.clear()
        right.clear()

    for piece in sorted(seen, key=_middle):
        if piece.right <= place:
            left.append(piece)
        elif piece.left >= place:
            right.append(piece)
        else:
            end()
            _join(bands, [piece])
    end()
    return bands


def _join(bands: list[_Band], pieces: list[Seen]) -> None:
    if bands and not bands[-1].right:
        bands[-1].left.extend(pieces)
    else:
        bands.append(_Band(pieces, []))


def _columns(left: Sequence[Seen], right: Sequence[Seen], usual: float) -> bool:
    sides = [rows(left), rows(right)]
    if tuple(sorted(map(len, sides))) < _FEWEST:
        return False
    if all(_running(side, usual) for side in sides):
        return True
    shorter, longer = sorted(sides, key=len)
    return not _aligned(shorter, longer, usual) and all(_wordy(side, usual) for side in sides)


def _wordy(side: Sequence[Sequence[Seen]], usual: float) -> bool:
    long = sum(width >= _LONG * usual for width in _widths(side))
    return long >= max(_FEWEST[0], _LONG_SHARE * len(side))


def _aligned(shorter: Sequence[Sequence[Seen]], longer: Sequence[Sequence[Seen]], usual: float) -> bool:
    """Whether nearly each row of the one has one of the other beside it, all by the same slant."""
    others = [_middle(row[0]) / 2 for row in longer]
    slants = [min((_middle(row[0]) / 2 - other for other in others), key=abs) for row in shorter]
    slant = median(slants)
    return sum(abs(one - slant) <= _BESIDE * usual for one in slants) >= _ALIGNED * len(slants)


def _widths(side: Sequence[Sequence[Seen]]) -> list[float]:
    return [max(one.right for one in row) - row[0].left for row in side]


def _running(side: Sequence[Sequence[Seen]], usual: float) -> bool:
    widths = _widths(side)
    typical = median_high(widths)
    steps = [(_middle(below[0]) - _middle(above[0])) / 2 for above, below in pairwise(side)]
    return typical >= max(_WIDE * usual, _FILLED * max(widths)) and median(steps) <= _CLOSE * usual


def _middle(piece: Seen) -> float:
    """Twice the height of its middle."""
    return piece.top + piece.bottom


def _beside(before: Seen, piece: Seen) -> bool:
    common = min(before.bottom, piece.bottom) - max(before.top, piece.top)
    return common > _OVERLAP * min(before.bottom - before.top, piece.bottom - piece.top)
