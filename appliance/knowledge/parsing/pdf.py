"""PDF through pdfium: the lines of its text layer with their sizes and places. ``layout`` makes paragraphs of them."""

import io
import struct
from collections.abc import Iterator, Sequence
from ctypes import byref, c_int
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low
from typing import Any, BinaryIO, Final, Self

import pypdfium2 as pdfium
from pypdfium2 import raw

from appliance.drivers.ocr.port import Eye, Picture
from appliance.knowledge.parsing import recognised
from appliance.knowledge.parsing.errors import (
    Damaged,
    Encrypted,
    NeedsRecognition,
    NoTextLayer,
    TooMuchText,
    Truncated,
)
from appliance.knowledge.parsing.layout import Line, written
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed, Spot, spot
from appliance.knowledge.parsing.writer import flat

_END_MARK: Final = b"%%EOF"
_TAIL: Final = 8192
_FEWEST_CHARACTERS: Final = 3
"""Visible characters a page on average; fewer are page numbers stamped on a scan."""

_CELL_GAP: Final = 1.5
"""Sizes of white space between two cells of a table; even justified text keeps its spaces below that."""

_SIDE: Final = 4000
_DEPTH: Final = 4
"""Of forms within forms that may hold a picture."""

_WHOLE: Final = 1_000_000
"""Pixels of the page that pdfium is asked about: it tells whole ones."""
_FAR: Final = 1000.0

_UNIT_SIZE: Final = 1.5
_LINE_ENDS: Final = (10, 13)
_HYPHENS: Final = (2, 0xFFFE)
"""What pdfium gives for a hyphen at a line's end that it would take out."""


def parse(file: BinaryIO, eye: Eye | None, limits: ParseLimits) -> Parsed:
    """A PDF with its pages; those that are pictures are read by ``eye``.

    Raises Encrypted, Truncated, Damaged, NoTextLayer, NeedsRecognition (pictures, and no eye), TooMuchText.
    """
    warnings: list[str] = []
    _complete(file)
    document = _opened(file)
    try:
        if len(document) > limits.pages:
            raise TooMuchText(f"{len(document)} pages")
        pages = [list(_lines(document, number)) for number in range(len(document))]
        sizes = sorted(line.size for lines in pages for line in lines)
        body = median_low(sizes) if sizes else None
        for number, lines in enumerate(pages):
            bare = _visible(lines) < _FEWEST_CHARACTERS and _has_picture(document[number])
            if bare and limits.recognition == "never":
                warnings.append(f"page {number + 1}: a picture, not read")
            elif bare or limits.recognition == "always":
                if eye is None:
                    raise NeedsRecognition(f"page {number + 1}")
                picture = _rendered(document[number])
                seen = eye.read(picture)
                pages[number] = recognised.lines(seen, picture.shape, body)
                warnings += recognised.doubts(seen, number + 1)
        title = flat(str(document.get_metadata_dict().get("Title") or ""))
    finally:
        document.close()
    if sum(map(_visible, pages)) < _FEWEST_CHARACTERS * max(len(pages), 1):
        raise NoTextLayer(f"{len(pages)} pages")
    return written(pages, title, limits, warnings=tuple(warnings))


def _visible(lines: Sequence[Line]) -> int:
    return sum(len(cell) for line in lines for cell in line.cells)


def _has_picture(page: "pdfium.PdfPage") -> bool:
    return any(True for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_DEPTH))


def _rendered(page: "pdfium.PdfPage") -> Picture:
    """As recognition wants it; a poster is made smaller."""
    scale = min(recognised.DPI / 72, _SIDE / max(*page.get_size(), 1.0))
    picture: Picture = page.render(scale=scale).to_numpy()
    return picture[:, :, :3]


def _complete(file: BinaryIO) -> None:
    """A file that was cut has lost its end mark; pdfium would silently show the pages that are left."""
    file.seek(max(file.seek(0, io.SEEK_END) - _TAIL, 0))
    if _END_MARK not in file.read():
        raise Truncated
    file.seek(0)


def _opened(file: BinaryIO) -> "pdfium.PdfDocument":
    try:
        return pdfium.PdfDocument(file)
    except pdfium.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise Encrypted from error
        raise Damaged(error) from error


def _lines(document: "pdfium.PdfDocument", number: int) -> Iterator[Line]:
    try:
        page = document[number]
        layer = page.get_textpage()
    except pdfium.PdfiumError as error:
        raise Damaged(f"page {number + 1}: {error}") from error
    try:
        units = [raw.FPDFText_GetUnicode(layer, index) for index in range(layer.count_chars())]
        shown = _Shown.of(page)
        for start, end in _line_spans(units):
            if line := _line(layer, units, start, end, shown):
                yield line
    finally:
        layer.close()
        page.close()


def _line_spans(units: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(start, end) of the runs between line ends."""
    start = 0
    for index, unit in enumerate([*units, _LINE_ENDS[0]]):
        if unit in _LINE_ENDS:
            if index > start:
                yield start, index
            start = index + 1


def _characters(units: Sequence[int]) -> str:
    """Pdfium counts UTF-16 units: pairs become one character, halves are dropped."""
    known = [0x2D if unit in _HYPHENS else min(unit, 0xFFFF) for unit in units]
    return struct.pack(f"<{len(known)}H", *known).decode("utf-16-le", errors="ignore")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A page as viewers show it, cropped and turned: (x, y) = origin + a point's x · across + its y · along."""

    origin: tuple[float, float]
    across: tuple[float, float]
    along: tuple[float, float]

    @classmethod
    def of(cls, page: "pdfium.PdfPage") -> Self:
        """Asked of pdfium for three points, so that each line is arithmetic."""
        (x, y), (right, under), (over, up) = (_device(page, *at) for at in ((0, 0), (_FAR, 0), (0, _FAR)))
        return cls((x, y), ((right - x) / _FAR, (under - y) / _FAR), ((over - x) / _FAR, (up - y) / _FAR))

    def spot(self, first: Sequence[float], last: Sequence[float]) -> Spot | None:
        """Of a line from the box of its first character to that of its last: left, bottom, right, top in points.

        Written out, for it is done for every line: zip and map would cost more than all the rest of it.
        """
        left, low, right, high = first
        also_left, also_low, also_right, also_high = last
        left, low, right, high = min(left, also_left), min(low, also_low), max(right, also_right), max(high, also_high)
        (x, y), (dx, dy), (ex, ey) = self.origin, self.across, self.along
        x0, y0 = x + left * dx + low * ex, y + left * dy + low * ey
        x1, y1 = x + right * dx + high * ex, y + right * dy + high * ey
        return spot(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _device(page: "pdfium.PdfPage", x: float, y: float) -> tuple[float, float]:
    """Where a point of the page is shown, in fractions of its width and height from the upper left corner."""
    across, down = c_int(), c_int()
    raw.FPDF_PageToDevice(page, 0, 0, _WHOLE, _WHOLE, 0, x, y, byref(across), byref(down))
    return across.value / _WHOLE, down.value / _WHOLE


def _line(layer: Any, units: Sequence[int], start: int, end: int, shown: _Shown) -> Line | None:  # noqa: ANN401 - pdfium has no types
    visible = [index for index in range(start, end) if not chr(units[index]).isspace()]
    if not visible:
        return None
    first, last = visible[0], visible[-1]
    box, end_box = layer.get_charbox(first, loose=True), layer.get_charbox(last, loose=True)
    left, bottom, _, top = box
    size = raw.FPDFText_GetFontSize(layer, first)
    if size <= _UNIT_SIZE:  # a unit font that the page's matrix scales
        size = max(top - bottom, 1.0)
    bounds = [first, *_gaps(layer, visible, size * _CELL_GAP), last + 1]
    cells = (flat(_characters(units[a:b])) for a, b in pairwise(bounds))
    text = tuple(cell for cell in cells if cell)
    return Line(text, size, left, end_box[2], bottom, spot=shown.spot(box, end_box)) if text else None


def _gaps(layer: Any, visible: Sequence[int], least: float) -> Iterator[int]:  # noqa: ANN401 - pdfium has no types
    """Where a cell begins: the visible characters behind white space wider than ``least`` points."""
    for before, after in pairwise(visible):
        if after > before + 1 and layer.get_charbox(after)[0] - layer.get_charbox(before)[2] > least:
            yield after
