"""Cuts a document into chunks that follow its structure. Pure: blocks and a counting function in, spans out.

A chunk is one span of the normal text, so ``text[chunk.start:chunk.end] == chunk.text`` by construction. Rules, in
order:

1. a chunk ends where a new heading or a new page begins, so that its path and its page hold for all of it;
2. blocks are packed until the next would go over the target;
3. a table row is never cut; a paragraph over the target is cut between sentences, a sentence between words, a word
   last.

What a reader sees above the passage (heading path, a table's header row) is not in the span: ``lead`` carries it for
the encoder and the terms.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.knowledge.parsing.parsed import Block
from appliance.knowledge.parsing.writer import flat
from appliance.knowledge.sentences import spans

Count = Callable[[Sequence[str]], Sequence[int]]
"""Texts → how many tokens each has for the encoder."""

TARGET: Final = 200
"""Tokens. all-MiniLM reads 256, special tokens and the lead included."""

ROW_LIMIT: Final = 16
"""A table row longer than this many targets is cut after all: one cell may hold a whole book."""

LEAD_LIMIT: Final = 300
"""Characters; a lead longer than that would crowd the passage out of the encoder's window."""

_ROWS: Final = ("row", "header_row")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: ``text == document[start:end]``, offsets in code points."""

    ordinal: int
    start: int
    end: int
    text: str
    tokens: int
    page: int | None
    headings: tuple[str, ...]
    lead: str

    def indexed(self, title: str = "") -> str:
        """What is encoded: the title, headings and table header above, then the passage."""
        above = title[:LEAD_LIMIT]
        if above in self.headings or self.text.startswith(above):
            above = ""
        return "\n".join(part for part in (above, self.lead, self.text) if part)

    def counted(self, title: str = "") -> str:
        """What is counted into terms: the title is a field of its own, in every passage, whatever stands in that.

        Measured where texts begin with their titles: Cranfield's dev half .437 → .447 (docs/decisions/0021-fusion.md).
        """
        return "\n".join(part for part in (title[:LEAD_LIMIT], self.lead, self.text) if part)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, or a part of one that was cut. ``header`` is the text of the header row of the table it belongs to."""

    block: Block
    start: int
    end: int
    tokens: int
    header: str = ""


def chunks(text: str, blocks: Sequence[Block], count: Count, target: int = TARGET) -> list[Chunk]:
    """The chunks of a document in order. They do not overlap, and every block's characters are in one."""
    packed = _packed(list(_pieces(text, blocks, count, target)), target)
    return [_chunk(text, ordinal, pieces) for ordinal, pieces in enumerate(packed)]


def _pieces(text: str, blocks: Sequence[Block], count: Count, target: int) -> Iterator[_Piece]:
    tokens = count([text[block.start : block.end] for block in blocks])
    header = ""
    for block, size in zip(blocks, tokens, strict=True):
        if block.kind == "header_row":
            header = text[block.start : block.end]
        elif block.kind != "row":
            header = ""
        limit = target * ROW_LIMIT if block.kind in _ROWS else target
        own = header if block.kind == "row" else ""
        if size <= limit:
            yield _Piece(block, block.start, block.end, size, own)
        else:
            yield from _cut(text, block, count, target)


def _cut(text: str, block: Block, count: Count, target: int) -> list[_Piece]:
    """The sentences of a block that is too long; those still too long in halves, between words where there are any."""
    done: list[_Piece] = []
    waiting = list(spans(text, block.start, block.end))
    while waiting:
        sizes = count([text[start:end] for start, end in waiting])
        halves: list[tuple[int, int]] = []
        for (start, end), size in zip(waiting, sizes, strict=True):
            if size <= target or end - start <= 1:
                done.append(_Piece(block, start, end, size))
            else:
                halves += _halves(text, start, end)
        waiting = halves
    return sorted(done, key=lambda piece: piece.start)


def _halves(text: str, start: int, end: int) -> list[tuple[int, int]]:
    middle = (start + end) // 2
    space = max(text.rfind(mark, start + (end - start) // 4, middle + 1) for mark in " \n\t")
    cut = space if space > 0 else middle
    return [span for part in ((start, cut), (cut, end)) for span in _visible(text, *part)]


def _visible(text: str, start: int, end: int) -> list[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return [(start, end)] if end > start else []


def _packed(pieces: Sequence[_Piece], target: int) -> Iterator[list[_Piece]]:
    current: list[_Piece] = []
    size = 0
    for piece in pieces:
        if current and (size + piece.tokens > target or _apart(current[-1], piece)):
            yield current
            current, size = [], 0
        current.append(piece)
        size += piece.tokens
    if current:
        yield current


def _apart(before: _Piece, piece: _Piece) -> bool:
    """Whether a new section or page begins. A heading stays with what follows it, a subheading with its heading."""
    if before.block.page != piece.block.page:
        return True
    return piece.block.kind == "heading" and before.block.kind != "heading"


def _chunk(text: str, ordinal: int, pieces: Sequence[_Piece]) -> Chunk:
    first, last = pieces[0], pieces[-1]
    path = last.block.path
    if last.block.kind == "heading":
        path = (*path, flat(text[last.start : last.end]))
    own = "\n".join(flat(text[piece.start : piece.end]) for piece in pieces if piece.block.kind == "heading")
    above = " > ".join(title for title in path if title not in own)
    lead = "\n".join(part for part in (above, first.header) if part)[:LEAD_LIMIT]
    tokens = sum(piece.tokens for piece in pieces)
    return Chunk(ordinal, first.start, last.end, text[first.start : last.end], tokens, first.block.page, path, lead)
