"""Lines of a page from what was recognised on it. Pure; ``layout`` makes paragraphs and tables of them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Final

from appliance.drivers.ocr.port import Seen
from appliance.knowledge.parsing.columns import columns, rows
from appliance.knowledge.parsing.layout import Line
from appliance.knowledge.parsing.parsed import DOUBTFUL, Spot, spot
from appliance.knowledge.parsing.writer import flat

DPI: Final = 150
"""At which pages are rendered, and pictures taken to be: PP-OCR scales a page to 2000 pixels at most."""

POINT: Final = 72 / DPI
_HEADING: Final = 1.4
_CELL: Final = 1.5


def lines(seen: Sequence[Seen], shape: Sequence[int], body: float | None = None) -> list[Line]:
    """Pieces side by side make one line, its cells where wide gaps are between them; columns come one by one.

    ``shape``: height and width of the page, in pixels. ``body``: the size of running text on the pages beside it, in
    points; a box is higher than its letters.
    """
    pieces = [replace(one, text=flat(one.text)) for one in seen if flat(one.text)]
    usual = median(one.bottom - one.top for one in pieces) if pieces else 0.0
    scale = body / usual if body and usual else POINT
    return [_line(row, usual, shape, scale) for part in columns(pieces) for row in rows(part)]


def doubts(seen: Sequence[Seen], page: int) -> list[str]:
    """What was read with little confidence, to be shown to whoever uploaded it."""
    return [
        f"page {page}: read with confidence {one.confidence:.2f}: {one.text[:80]}"
        for one in seen
        if one.confidence < DOUBTFUL and one.text.strip()
    ]


def _line(row: Sequence[Seen], usual: float, shape: Sequence[int], scale: float) -> Line:
    """Boxes differ by a pixel or two: only what is much larger than usual has a size of its own."""
    tallest = max(one.bottom - one.top for one in row)
    size = tallest if tallest > _HEADING * usual else usual
    cells = [row[0].text]
    for before, piece in pairwise(row):
        if piece.left - before.right > _CELL * usual:
            cells.append(piece.text)
        else:
            cells[-1] += f" {piece.text}"
    bottom = shape[0] - max(one.bottom for one in row)
    left, right, sure = row[0].left * POINT, row[-1].right * POINT, min(one.confidence for one in row)
    sure = round(min(max(sure, 0.0), 1.0), 3)
    return Line(tuple(cells), size * scale, left, right, bottom * POINT, sure, _spot(row, shape))


def _spot(row: Sequence[Seen], shape: Sequence[int]) -> Spot | None:
    """Where all of a row stands on the page as it came: one that was turned to be read is turned back."""
    lefts, tops, rights, bottoms = zip(*(_untwisted(one, shape) for one in row), strict=True)
    return spot(min(lefts), min(tops), max(rights), max(bottoms))


def _untwisted(piece: Seen, shape: Sequence[int]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in fractions of the picture that the eye was given."""
    height, width = (shape[1], shape[0]) if piece.turns % 2 else (shape[0], shape[1])
    left, right, top, bottom = piece.left / width, piece.right / width, piece.top / height, piece.bottom / height
    for _ in range(piece.turns % 4):
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    return left, top, right, bottom
