"""Paragraphs, headings and tables from the lines of pages. Pure: a PDF stores none of them, only places and sizes.

Lines of one paragraph are joined, or Chinese words that a line's end breaks would never be found. What stands at the
head or foot of most pages is left out: it would be in every chunk, and tear sentences apart that cross a page.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low
from typing import Final

from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Kind, Parsed, Spot
from appliance.knowledge.parsing.writer import MAX_LEVEL, Writer, joined

_HEADING_RATIO: Final = 1.12
_HEADING_LENGTH: Final = 160
_GAP_RATIO: Final = 1.15
_SIZE_STEP: Final = 0.5
_SHORT_LINE: Final = 0.85
_REPEATED: Final = 0.6
_FEWEST_PAGES: Final = 3
_SENTENCE_END: Final = re.compile(r"[.!?。！？:：;；]$")
_BULLET: Final = re.compile(r"(?:[-–—•●▪◦*·]|\(?[0-9]{1,2}[.)、]|[（(][一二三四五六七八九十]+[)）])\s*\S")
_DIGITS: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page, in points from the lower left corner. ``cells`` are its parts between wide gaps.

    ``confidence``: of the least sure of its parts, where it was read from a picture. Its cells are flat.
    """

    cells: tuple[str, ...]
    size: float
    left: float
    right: float
    bottom: float
    confidence: float | None = None
    spot: Spot | None = None

    @property
    def text(self) -> str:
        """The line as it is read; cells are divided as in every table of ours."""
        return " | ".join(self.cells)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of the body, and which sizes are headings of which level."""

    body: float
    levels: dict[float, int]

    def level(self, line: Line) -> int:
        """The heading level of a line; 0 for what is no heading."""
        short = len(line.cells) == 1 and len(line.text) <= _HEADING_LENGTH
        return self.levels.get(_rounded(line.size), 0) if short else 0


def written(
    pages: Sequence[Sequence[Line]],
    title: str,
    limits: ParseLimits,
    *,
    media_type: str = "application/pdf",
    warnings: tuple[str, ...] = (),
) -> Parsed:
    """The document that these pages make; TooMuchText beyond the limit."""
    writer = Writer(limits.text)
    bare = _without_margins(pages)
    sizes = _sizes(bare)
    for lines in bare:
        writer.page()
        for kind, level, group in _blocks(lines, sizes):
            _write(writer, kind, level, group)
    return writer.parsed(media_type, title, warnings)


def _write(writer: Writer, kind: Kind, level: int, group: Sequence[Line]) -> None:
    if kind != "row":
        _tell(writer, writer.add(kind, joined([line.text for line in group]), level=level), group)
        return
    for place, line in enumerate(group):
        _tell(writer, writer.add("row" if place else "header_row", line.text, close=place > 0), [line])


def _tell(writer: Writer, start: int, group: Sequence[Line]) -> None:
    """Where the lines of a block stand that begins at ``start``, and how sure they are, each at its place in it."""
    before = ""
    for line in group:
        start += len(joined([before, line.text])) - len(before) - len(line.text) if before else 0
        end = start + len(line.text)
        if line.confidence is not None:
            writer.recognised(start, end, line.confidence)
        if line.spot is not None:
            writer.placed(start, end, line.spot)
        before, start = line.text, end


def _rounded(size: float) -> float:
    return round(size / _SIZE_STEP) * _SIZE_STEP


def _sizes(pages: Sequence[Sequence[Line]]) -> Sizes:
    """The body's size is that of most characters; larger ones, that short lines have, are headings."""
    weights: Counter[float] = Counter()
    for line in (line for lines in pages for line in lines):
        weights[_rounded(line.size)] += len(line.text)
    if not weights:
        return Sizes(0.0, {})
    body = max(weights, key=lambda size: (weights[size], -size))
    larger = sorted((size for size in weights if size >= body * _HEADING_RATIO), reverse=True)
    return Sizes(body, {size: min(place, MAX_LEVEL) for place, size in enumerate(larger, start=1)})


def _without_margins(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Without first and last lines that, but for their numbers, most pages share at the same height."""
    if len(pages) < _FEWEST_PAGES:
        return [list(lines) for lines in pages]
    seen = Counter(mark for lines in pages for mark in {_mark(line) for line in _edges(lines)})
    often = {mark for mark, times in seen.items() if times >= max(_FEWEST_PAGES, _REPEATED * len(pages))}
    return [_stripped(lines, often) for lines in pages]


def _edges(lines: Sequence[Line]) -> Sequence[Line]:
    return [*lines[:2], *lines[-2:]]


def _mark(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text), round(line.bottom / 4)


def _stripped(lines: Sequence[Line], often: set[tuple[str, int]]) -> list[Line]:
    edges = {id(line) for line in _edges(lines)}
    return [line for line in lines if id(line) not in edges or _mark(line) not in often]


def _blocks(lines: Sequence[Line], sizes: Sizes) -> Iterator[tuple[Kind, int, list[Line]]]:
    """Consecutive lines that belong together, with the kind of block and the heading level they make."""
    kinds = _kinds(lines, sizes)
    leading = _leading(lines)
    widest = max((line.right for line in lines), default=0.0)
    group: list[Line] = []
    for place, line in enumerate(lines):
        if group and _begins(lines[place - 1], line, kinds[place - 1], kinds[place], leading, widest):
            yield _block(kinds[place - 1], group)
            group = []
        group.append(line)
    if group:
        yield _block(kinds[-1], group)


def _block(kind: tuple[Kind, int], group: list[Line]) -> tuple[Kind, int, list[Line]]:
    if kind[0] == "paragraph" and _BULLET.match(group[0].text):
        return "item", 0, group
    return *kind, group


def _kinds(lines: Sequence[Line], sizes: Sizes) -> list[tuple[Kind, int]]:
    """Each line alone: a heading by its size; a row where it and a neighbour have several cells; else running text."""
    found: list[tuple[Kind, int]] = []
    for place, line in enumerate(lines):
        level = sizes.level(line)
        beside = [*lines[max(place - 1, 0) : place], *lines[place + 1 : place + 2]]
        if level:
            found.append(("heading", level))
        elif len(line.cells) > 1 and any(len(one.cells) > 1 for one in beside):
            found.append(("row", 0))
        else:
            found.append(("paragraph", 0))
    return found


def _leading(lines: Sequence[Line]) -> float:
    """The usual distance between two lines of running text of one size."""
    steps = [
        before.bottom - line.bottom
        for before, line in pairwise(lines)
        if _rounded(before.size) == _rounded(line.size) and before.bottom > line.bottom
    ]
    return median_low(sorted(steps)[: max(len(steps) * 3 // 4, 1)]) if steps else 0.0


def _begins(
    before: Line, line: Line, was: tuple[Kind, int], is_: tuple[Kind, int], leading: float, widest: float
) -> bool:
    """Whether a new block begins with ``line``."""
    if was != is_:
        return True
    if is_[0] == "row":
        return False
    step = before.bottom - line.bottom
    if is_[0] == "heading":
        return step <= 0 or step > 2 * line.size
    if step <= 0 and line.left > before.right and not _BULLET.match(line.text):  # at the head of the next column
        return bool(_SENTENCE_END.search(before.text))
    if step <= 0 or step > leading * _GAP_RATIO or _BULLET.match(line.text):
        return True
    return bool(_SENTENCE_END.search(before.text)) and before.right < widest * _SHORT_LINE
