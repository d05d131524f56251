"""Lines of a page from what was recognised on it. Pure; ``layout`` makes paragraphs and tables of them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Final

from appliance.drivers.ocr.port import Seen
from appliance.knowledge.parsing.columns import columns, rows
from appliance.knowledge.parsing.layout import Line
from appliance.knowledge.parsing.parsed import DOUBTFUL
from appliance.knowledge.parsing.writer import flat

DPI: Final = 150
"""At which pages are rendered, and pictures taken to be: PP-OCR scales a page to 2000 pixels at most."""

POINT: Final = 72 / DPI
_HEADING: Final = 1.4
_CELL: Final = 1.5


def lines(seen: Sequence[Seen], height: float, body: float | None = None) -> list[Line]:
    """Pieces side by side make one line, its cells where wide gaps are between them; columns come one by one.

    ``height`` of the page, in pixels. ``body``: the size of running text on the pages beside it, in points; a box is
    higher than its letters.
    """
    pieces = [replace(one, text=flat(one.text)) for one in seen if flat(one.text)]
    usual = median(one.bottom - one.top for one in pieces) if pieces else 0.0
    scale = body / usual if body and usual else POINT
    return [_line(row, usual, height, scale) for part in columns(pieces) for row in rows(part)]


def doubts(seen: Sequence[Seen], page: int) -> list[str]:
    """What was read with little confidence, to be shown to whoever uploaded it."""
    return [
        f"page {page}: read with confidence {one.confidence:.2f}: {one.text[:80]}"
        for one in seen
        if one.confidence < DOUBTFUL and one.text.strip()
    ]


def _line(row: Sequence[Seen], usual: float, height: float, scale: float) -> Line:
    """Boxes differ by a pixel or two: only what is much larger than usual has a size of its own."""
    tallest = max(one.bottom - one.top for one in row)
    size = tallest if tallest > _HEADING * usual else usual
    cells = [row[0].text]
    for before, piece in pairwise(row):
        if piece.left - before.right > _CELL * usual:
            cells.append(piece.text)
        else:
            cells[-1] += f" {piece.text}"
    bottom = height - max(one.bottom for one in row)
    left, right, sure = row[0].left * POINT, row[-1].right * POINT, min(one.confidence for one in row)
    return Line(tuple(cells), size * scale, left, right, bottom * POINT, round(min(max(sure, 0.0), 1.0), 3))
