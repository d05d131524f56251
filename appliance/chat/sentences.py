"""The pieces of a passage that can be quoted alone: sentences, table rows, list items, headings.

A passage is not only prose. A table row or a list item ends with its line; a line that a PDF wrapped goes on in the
next one. Within a run of prose ``knowledge.sentences`` decides, as it does for chunking.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from appliance.knowledge.sentences import spans

Kind = Literal["sentence", "row", "item", "heading"]

FULL_LINE: Final = 0.75
"""A line as long as this part of the widest was wrapped and goes on; a shorter one its author ended."""

NARROWEST_PAGE: Final = 40
"""Columns. Text whose widest line is narrower than this was not wrapped by a page."""

LONGEST_CHAIN: Final = 160
"""Code points of a chain of clauses that is still quoted whole."""

_MARK: Final = re.compile(
    r"[ \t]*(?:[-*+•·◦‣]|(?:\d{1,2}|[a-z])[.)](?=\s)|\d{1,2}、"
    r"|[(（]?[一二三四五六七八九十]{1,3}[)）、]|[(（](?:\d{1,2}|[a-z])[)）])[ \t]*(?=\S)"
)
_HEADING: Final = re.compile(r"[ \t]*#{1,6}[ \t]+(?=\S)")
_ROW: Final = re.compile(r"[ \t]*\|.*|.*(?:\t| \| ).*")
_RULE: Final = re.compile(r"[\s|:=+-]+")
_ENDED: Final = re.compile(r"[.!?。！？；:：…][\"'”’)\]」』）】]*\s*$")


@dataclass(frozen=True, slots=True)
class Piece:
    """``text[start:end]`` of the passage it was cut from; offsets in code points, no white space at either end."""

    start: int
    end: int
    kind: Kind = "sentence"


def pieces(text: str) -> list[Piece]:
    """The quotable pieces of ``text`` in order. They do not overlap; list marks and heading marks are left out."""
    found: list[Piece] = []
    for start, end, kind in _runs(text):
        if kind in ("row", "heading"):
            found.extend(_trimmed(text, start, end, kind))
        else:
            found.extend(Piece(left, right, kind) for left, right in _whole(text, spans(text, start, end)))
    return found


def _whole(text: str, parts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Chinese chains clauses by semicolons, and a later one needs the first: joined again to ``LONGEST_CHAIN``."""
    chains: list[tuple[int, int]] = []
    for start, end in parts:
        begin, stop = chains[-1] if chains else (start, start)
        if stop > begin and text[stop - 1] in "；;" and end - begin <= LONGEST_CHAIN:
            chains[-1] = (begin, end)
        else:
            chains.append((start, end))
    yield from chains


def finished(text: str) -> list[Piece]:
    """The pieces of a growing answer that more text cannot change: all but the last."""
    return pieces(text)[:-1]


def width(line: str) -> int:
    """Columns on a page: an ideograph takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def _runs(text: str) -> Iterator[tuple[int, int, Kind]]:
    """Runs of lines that belong together, with what kind of thing they are."""
    widest = max((width(line) for line in text.splitlines()), default=0)
    begin: int | None = None
    kind: Kind = "sentence"
    before = ""
    offset = 0
    for line in text.splitlines(keepends=True):
        start, offset = offset, offset + len(line)
        fresh, mark = _opening(line)
        if begin is not None and (fresh or _closed(before, kind, widest) or not line.strip()):
            yield begin, start, kind
            begin = None
        if begin is None and line.strip() and not _RULE.fullmatch(line):
            begin, kind = start + mark, fresh or "sentence"
        before = line
    if begin is not None:
        yield begin, offset, kind


def _opening(line: str) -> tuple[Kind | None, int]:
    """What a line opens, and how many characters its mark takes; None where it may go on with what was before."""
    if _ROW.fullmatch(line.rstrip("\n")) or _RULE.fullmatch(line):
        return "row", 0
    heading = _HEADING.match(line)
    if heading:
        return "heading", heading.end()
    item = _MARK.match(line)
    return ("item", item.end()) if item else (None, 0)


def _closed(line: str, kind: Kind, widest: int) -> bool:
    """Whether the next line is something else, although it opens nothing of its own."""
    if kind in ("row", "heading") or _ENDED.search(line):
        return True
    return widest < NARROWEST_PAGE or width(line.rstrip()) < FULL_LINE * widest


def _trimmed(text: str, start: int, end: int, kind: Kind) -> Iterator[Piece]:
    body = text[start:end]
    yield Piece(start + len(body) - len(body.lstrip()), end - (len(body) - len(body.rstrip())), kind)
