"""Lines of a page from what was recognised on it. Pure; ``layout`` makes paragraphs and tables of them."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from appliance.drivers.ocr.port import Seen
from appliance.knowledge.parsing.layout import Line

DPI: Final = 150
"""At which pages are rendered, and pictures taken to be: PP-OCR scales a page to 2000 pixels at most."""

POINT: Final = 72 / DPI
_OVERLAP: Final = 0.5
_HEADING: Final = 1.4
_CELL: Final = 1.5
_DOUBTFUL: Final = 0.8
"""Below this a reader should look at the original."""


def lines(seen: Sequence[Seen], height: float, body: float | None = None) -> list[Line]:
    """Pieces side by side make one line, its cells where wide gaps are between them. ``height`` of the page, pixels.

    ``body``: the size of running text on the pages beside it, in points; a box is higher than its letters.
    """
    rows: list[list[Seen]] = []
    for piece in sorted((one for one in seen if one.text.strip()), key=lambda one: one.top + one.bottom):
        if rows and _beside(rows[-1][-1], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    usual = median(one.bottom - one.top for row in rows for one in row) if rows else 0.0
    scale = body / usual if body and usual else POINT
    return [_line(sorted(row, key=lambda one: one.left), usual, height, scale) for row in rows]


def doubts(seen: Sequence[Seen], page: int) -> list[str]:
    """What was read with little confidence, to be shown to whoever uploaded it."""
    return [
        f"page {page}: read with confidence {one.confidence:.2f}: {one.text[:80]}"
        for one in seen
        if one.confidence < _DOUBTFUL and one.text.strip()
    ]


def _beside(before: Seen, piece: Seen) -> bool:
    common = min(before.bottom, piece.bottom) - max(before.top, piece.top)
    return common > _OVERLAP * min(before.bottom - before.top, piece.bottom - piece.top)


def _line(row: Sequence[Seen], usual: float, height: float, scale: float) -> Line:
    """Boxes differ by a pixel or two: only what is much larger than usual has a size of its own."""
    tallest = max(one.bottom - one.top for one in row)
    size = tallest if tallest > _HEADING * usual else usual
    cells = [row[0].text.strip()]
    for before, piece in pairwise(row):
        if piece.left - before.right > _CELL * usual:
            cells.append(piece.text.strip())
        else:
            cells[-1] += f" {piece.text.strip()}"
    bottom = height - max(one.bottom for one in row)
    return Line(tuple(cells), size * scale, row[0].left * POINT, row[-1].right * POINT, bottom * POINT)
