"""What every parser gives: one normal text, and where its parts lie in it.

Offsets count Unicode code points of ``Parsed.text``. Chunks, citations and the page that opens a source at the quoted
line all speak in these offsets, so the normal text is stored with the revision and never made again.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["heading", "paragraph", "item", "row", "header_row", "code"]

DOUBTFUL: Final = 0.8
"""A line recognised with less confidence is to be compared with the original."""

FINE: Final = 10_000
"""Parts of a page's width, and of its height, in which places on it are told."""

Spot = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of a page as it is shown, from its upper left corner, in parts of its sides."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part that is read as one: ``text[start:end]`` begins and ends with a visible character.

    ``level`` is 1–6 for a heading and 0 otherwise; ``page`` counts from 1 and is None where the format has no pages;
    ``path`` holds the texts of the headings above, outermost first.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    page: int | None = None
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognised:
    """``text[start:end]`` is a line that was read from a picture, with this confidence from 0 to 1."""

    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Placed:
    """``text[start:end]`` is a line, or nearly all of one, and stands there on the page of its block."""

    start: int
    end: int
    spot: Spot


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as text. ``pages`` holds the offset at which each page begins; empty where there are no pages.

    ``recognised``: its lines that were read from pictures, ``placed``: those of which is known where they stand; both
    in their order, and none overlaps another.
    """

    text: str
    blocks: tuple[Block, ...]
    media_type: str
    title: str = ""
    pages: tuple[int, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    recognised: tuple[Recognised, ...] = field(default=())
    placed: tuple[Placed, ...] = field(default=())

    def page_at(self, offset: int) -> int | None:
        """The page, from 1, on which ``text[offset]`` stands."""
        return page_at(self.pages, offset)


def spot(left: float, top: float, right: float, bottom: float) -> Spot | None:
    """Of fractions of a page; None for what has no part on it."""
    x0 = round(left * FINE) if left > 0 else 0
    y0 = round(top * FINE) if top > 0 else 0
    x1 = round(right * FINE) if right < 1 else FINE
    y1 = round(bottom * FINE) if bottom < 1 else FINE
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def page_at(pages: tuple[int, ...] | list[int], offset: int) -> int | None:
    """The page, from 1, that holds ``offset``; None where there are no pages."""
    return max(bisect_right(pages, offset), 1) if pages else None


def line_at(text: str, offset: int) -> int:
    """The line, from 1, on which ``text[offset]`` stands."""
    return text.count("\n", 0, offset) + 1
