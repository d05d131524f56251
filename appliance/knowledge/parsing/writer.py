"""Builds the normal text block by block, for the formats whose text we compose ourselves (HTML, DOCX, PDF)."""

import re
from collections import deque
from typing import Final

from appliance.knowledge.parsing.errors import TooMuchText
from appliance.knowledge.parsing.formats import MARKDOWN
from appliance.knowledge.parsing.parsed import Block, Kind, Parsed, Placed, Recognised, Spot

# Control characters that no reader can see, but PostgreSQL refuses (NUL) or terminals obey; tab and newline stay.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
_WIDE: Final = "\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U000323af"
_WIDE_BREAK: Final = re.compile(rf"(?<=[{_WIDE}])[^\S\n]*\n\s*(?=[{_WIDE}])")
MAX_LEVEL: Final = 6
HEADING_LIMIT: Final = 200
"""Characters of a heading that are kept in paths: a wrongly marked page of text is no heading."""


def clean(text: str) -> str:
    """Without what PostgreSQL cannot store or nobody can see; line ends become one newline each."""
    return _CONTROL.sub(
        "", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    )


def flat(text: str) -> str:
    """One line: every run of white space becomes one space."""
    return " ".join(clean(text).split())


def joined(lines: list[str]) -> str:
    """Lines that were broken to fit a width, as one: with a space between words, with nothing between ideographs."""
    return _WIDE_BREAK.sub("", "\n".join(lines)).replace("\n", " ")


class Headings:
    """The path of headings above the present place."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, text: str) -> None:
        """A heading closes those of its own and of deeper levels."""
        self._open = [one for one in self._open if one[0] < level]
        self._open.append((level, text[:HEADING_LIMIT]))

    @property
    def path(self) -> tuple[str, ...]:
        """Outermost first."""
        return tuple(text for _, text in self._open)


class Writer:
    """Appends blocks, a blank line between them (one newline between rows and items of one list or table)."""

    def __init__(self, limit: int) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._limit = limit
        self._headings = Headings()
        self._pages: list[int] = []
        self._blocks: list[Block] = []
        self._recognised: list[Recognised] = []
        self._placed: list[Placed] = []

    def page(self) -> None:
        """A new page begins here."""
        self._pages.append(self._length)

    def add(self, kind: Kind, text: str, *, level: int = 0, close: bool = False, page: int | None = None) -> int:
        """Append one block, nothing where ``text`` has no visible character; where it begins.

        ``close``: it belongs directly below the one before (the next row of a table, the next item of a list).
        ``page``: within a file of its own that is part of this document. Raises TooMuchText beyond the limit.
        """
        body = clean(text).strip()
        if not body:
            return self._length
        gap = "" if not self._parts else "\n" if close else "\n\n"
        self._append(gap)
        start = self._length
        self._append(body)
        path = self._headings.path
        if kind == "heading":
            level = min(max(level, 1), MAX_LEVEL)
            self._headings.enter(level, flat(body))
            path = self._headings.path[:-1]
        self._blocks.append(Block(kind, start, self._length, level, page or len(self._pages) or None, path))
        return start

    def recognised(self, start: int, end: int, confidence: float) -> None:
        """This span was read from a picture; told in the order of the text."""
        self._recognised.append(Recognised(start, end, confidence))

    def placed(self, start: int, end: int, spot: Spot) -> None:
        """This span stands there on its page; told in the order of the text."""
        self._placed.append(Placed(start, end, spot))

    def include(self, other: Parsed, *, below: int = 0) -> None:
        """Append all blocks of another document, its headings so many levels deeper. Raises TooMuchText."""
        end, lines, placed = 0, deque(other.recognised), deque(other.placed)
        for block in other.blocks:
            text = other.text[block.start : block.end]
            if block.kind == "heading":
                text = text.strip("#= -\n") if other.media_type == MARKDOWN else text
            close = bool(end) and "\n\n" not in other.text[end : block.start]
            moved = self.add(block.kind, text, level=block.level + below, close=close, page=block.page) - block.start
            end = block.end
            while lines and lines[0].end <= end:
                line = lines.popleft()
                self.recognised(line.start + moved, line.end + moved, line.confidence)
            while placed and placed[0].end <= end:
                one = placed.popleft()
                self.placed(one.start + moved, one.end + moved, one.spot)

    def _append(self, text: str) -> None:
        self._length += len(text)
        if self._length > self._limit:
            raise TooMuchText(self._limit)
        self._parts.append(text)

    def parsed(
        self, media_type: str, title: str = "", warnings: tuple[str, ...] = (), *, headed: bool = True
    ) -> Parsed:
        """All that was added, as a document. Its title is the first heading's text where none is given.

        ``headed=False``: not so, its first heading names a part (a sheet, a file) and not the whole.
        """
        text = "".join(self._parts)
        headings = (flat(text[b.start : b.end]) for b in self._blocks if b.kind == "heading" and headed)
        named = title or next(headings, "")
        pages = tuple(min(offset + 2 if offset else 0, len(text)) for offset in self._pages)
        known = tuple(self._recognised), tuple(self._placed)
        return Parsed(text, tuple(self._blocks), media_type, flat(named), pages, warnings, *known)
