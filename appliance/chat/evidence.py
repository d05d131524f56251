"""The passages of one answer, cut into quotable pieces with their terms: what quoting and attribution stand on.

How rare a term is among these pieces is its weight, as in BM25. A term that no piece has weighs most of all: that a
rare word of the question is nowhere to be found is the best sign that the documents do not answer it.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from appliance.chat.sentences import Piece, pieces
from appliance.knowledge.boxes import Sheet
from appliance.knowledge.parsing.parsed import Recognised
from appliance.knowledge.terms import terms

SINGLE: Final = 0.5
"""What a single ideograph weighs against its bigrams: it says little alone."""

FEWEST: Final = 30
"""Among fewer pieces than this rarity means nothing: in a tenant's only document every term would be common."""

_PARTICULARS: Final = " · "
_FIRST_HAN: Final = 0x3005


@dataclass(frozen=True, slots=True)
class Source:
    """A passage with what a citation of it needs. ``start`` is the offset of ``text`` in the revision's normal text."""

    document: UUID
    name: str
    revision: UUID
    chunk: UUID
    text: str
    start: int = 0
    line: int = 1
    page: int | None = None
    headings: tuple[str, ...] = ()
    lead: str = ""
    """What stands above the passage and is not in it: headings, the header row of a table."""
    recognised: tuple[Recognised, ...] = ()
    """Its lines that were read from a picture, by offsets in the normal text."""
    sheets: tuple[Sheet, ...] = ()
    """Its lines of which is known where they stand on their pages, the same."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One quotable piece: ``sources[source].text[piece.start:piece.end] == text``."""

    source: int
    piece: Piece
    text: str
    terms: frozenset[str]
    context: frozenset[str] = field(repr=False)
    """Terms of the headings, the table's first row and the document's name."""
    before: frozenset[str] = field(repr=False)
    """Terms of the piece before: pronouns point there."""
    passage: frozenset[str] = field(repr=False)
    """Terms of the whole passage."""
    bare: bool = False
    """A table's first row, or a line of particulars."""


@dataclass(frozen=True, slots=True)
class Pool:
    """All pieces of the passages, in the passages' order."""

    sources: tuple[Source, ...]
    evidence: tuple[Evidence, ...]
    frequencies: Mapping[str, int]
    known: frozenset[str] = field(repr=False)
    """Every term of the passages, their headings and their documents' names."""

    def weight(self, term: str, least: int = 0) -> float:
        """Inverse piece frequency of ``term``, smoothed, never negative; single ideographs count for less.

        ``least``: the frequency that a term is given which no piece has.
        """
        count, total = max(self.frequencies.get(term, 0), least), max(len(self.evidence), FEWEST)
        rarity = math.log1p((total - count + 0.5) / (count + 0.5))
        return rarity * SINGLE if len(term) == 1 and _ideograph(term) else rarity

    def knows(self, term: str) -> bool:
        """Whether any passage or heading has ``term``."""
        return term in self.known

    def share(self, wanted: Iterable[str], found: Collection[str], least: int = 0) -> float:
        """What part of the weight of ``wanted`` is in ``found``, 0 to 1; 0 where nothing is wanted."""
        weights = {term: self.weight(term, least) for term in wanted}
        whole = sum(weights.values())
        return sum(weight for term, weight in weights.items() if term in found) / whole if whole else 0.0


def pool(sources: Sequence[Source]) -> Pool:
    """Cut the passages into evidence. Headings can support nothing and are left out, but give context."""
    evidence = tuple(one for number, source in enumerate(sources) for one in _evidence(number, source))
    known = frozenset(term for one in evidence for term in one.context | one.passage)
    return Pool(tuple(sources), evidence, Counter(term for one in evidence for term in one.terms), known)


def _evidence(number: int, source: Source) -> Iterable[Evidence]:
    context = frozenset(terms(" ".join((source.name, source.lead, *source.headings))))
    passage = frozenset(terms(source.text))
    titles = {flat(title) for title in source.headings}
    before: frozenset[str] = frozenset()
    table: frozenset[str] | None = None
    for piece in pieces(source.text):
        text = source.text[piece.start : piece.end]
        own = frozenset(terms(text))
        first = piece.kind == "row" and table is None
        table = None if piece.kind != "row" else own if table is None else table
        if piece.kind != "heading" and own and flat(text) not in titles:
            above = context | table if table and not first else context
            yield Evidence(number, piece, text, own, above, before, passage, bare=first or _PARTICULARS in text)
        before = own


def flat(text: str) -> str:
    """``text`` on one line."""
    return " ".join(text.split())


def _ideograph(term: str) -> bool:
    return ord(term) >= _FIRST_HAN
