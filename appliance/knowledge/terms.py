"""The terms by which sparse search finds a text, in English, Chinese and the mixtures that product names are made of.

One function serves documents, questions and attribution, so both sides always agree. Steps: NFKC (full and half width
become one), case folding, traditional → simplified; then by kind of run:

- ideographs: overlapping bigrams, and single characters as well (measured: STARD nDCG@10 .510 → .536, XQuAD-zh .965 →
  .967; bigrams alone miss a question's synonym that shares one character);
- words: English stopwords dropped, Snowball stems;
- codes (``XK-200A``, ``v2.3.1``, ``1,250``): whole without its joints, so that ``XK200A`` finds ``XK-200A``, and in
  parts;
- where ideographs touch a word or a code (``A型``, ``T恤``): the two sides of the seam, which alone would be a
  stopword or a very common character.
"""

import functools
import hashlib
import re
import threading
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import Stemmer

from appliance.knowledge.script import HAN, tables

# Lucene's English list, and the pronouns, auxiliaries and question words that questions are full of (measured:
# Cranfield .370 → .378, XQuAD-en .966 → .971 against Lucene's 33 alone).
STOPWORDS: Final = frozenset(
    """
    a about above after again against all am an and any are as at be because been before being below between both but by
    can cannot could d did do does doing down during each few for from further had has have having he her here hers
    herself him himself his how i if in into is it its itself just ll m me more most my myself no nor not now of off on
    once only or other our ours ourselves out over own re s same she should so some such t than that the their theirs
    them themselves then there these they this those through to too under until up ve very was we were what when where
    which while who whom why will with would you your yours yourself yourselves
    """.split()  # noqa: SIM905 - a list would be 130 lines
)

_RUN: Final = re.compile(
    rf"(?P<han>[{HAN}]+)"
    r"|(?P<number>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?)(?![a-z0-9])"
    r"|(?P<word>[a-z0-9]+(?:[-_./+#&][a-z0-9]+)*)"
    rf"|(?P<other>[^\W_{HAN}]+)"
)
_PART: Final = re.compile(r"[a-z]+|[0-9]+")
_JOINT: Final = re.compile(r"[-_./+#&,]")
_DECIMAL: Final = re.compile(r"[0-9]+(?:\.[0-9]+)+")


def _unaccented() -> dict[int, str]:
    """Latin letters with marks → the bare letter, so that Zurich finds Zürich."""
    letters = (chr(point) for point in range(0xC0, 0x250))
    bare = ((letter, unicodedata.normalize("NFD", letter)[0]) for letter in letters)
    return {ord(letter): base for letter, base in bare if base.isascii()}


@functools.cache
def _table() -> dict[int, str]:
    return tables().fold | _unaccented()


_own: Final = threading.local()


@functools.lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    """The Snowball stem. A Stemmer object must not be used by two threads at once, so each has its own."""
    if not hasattr(_own, "english"):
        _own.english = Stemmer.Stemmer("english")
    return str(_own.english.stemWord(word))


def normal(text: str) -> str:
    """``text`` as terms see it: NFKC, case folded, simplified, no accents. Offsets are not those of ``text``."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_table())


def terms(text: str) -> list[str]:
    """The terms of ``text`` in order, repeated as often as they occur; empty where it has no letter and no digit."""
    found: list[str] = []
    before: re.Match[str] | None = None
    for match in _RUN.finditer(normal(text)):
        if before and before.end() == match.start() and (before.lastgroup == "han") != (match.lastgroup == "han"):
            found.append(_side(before, -1) + _side(match, 0))
        if match.lastgroup == "han":
            _ideographs(match.group(), found)
        else:
            _word(match.group(), found)
        before = match
    return found


def located(plain: str) -> Iterator[tuple[str, int, int]]:
    """Each term of what is ``normal`` already, seams left out, with the span that it stands in."""
    for match in _RUN.finditer(plain):
        start, end = match.span()
        if match.lastgroup == "han":
            yield from ((plain[at], at, at + 1) for at in range(start, end))
            yield from ((plain[at : at + 2], at, at + 2) for at in range(start, end - 1))
        else:
            found: list[str] = []
            _word(match.group(), found)
            yield from ((term, start, end) for term in found)


def _side(match: re.Match[str], index: int) -> str:
    """What a run gives to a seam: its one ideograph there, or the whole word or code."""
    return match.group()[index] if match.lastgroup == "han" else _whole(match.group())


def _ideographs(run: str, found: list[str]) -> None:
    found.extend(run)
    found.extend(first + second for first, second in pairwise(run))


def _word(run: str, found: list[str]) -> None:
    if run.isalpha():
        if run not in STOPWORDS:
            found.append(_stem(run))
        return
    whole, parts = _whole(run), _PART.findall(run)
    found.append(_stem(whole))
    if len(parts) > 1 and "," not in run:
        found.extend(part for part in map(_part, parts) if part)


def _whole(run: str) -> str:
    """Without its joints; a decimal or a dotted version keeps its points, or 3.14 would be 314."""
    return run if _DECIMAL.fullmatch(run) else _JOINT.sub("", run)


def _part(part: str) -> str:
    """A part as a term of its own, empty where it tells nothing: 03 and 3 are one month, the A of A100 is noise."""
    if part.isdigit():
        return part.lstrip("0") or "0"
    return "" if len(part) == 1 or part in STOPWORDS else _stem(part)


@functools.lru_cache(maxsize=200_000)
def term_id(term: str) -> int:
    """A 32-bit id for the sparse index: BLAKE2b, the same in every process and release.

    Two terms share an id once in about 43,000 pairs of a vocabulary of 100,000; their weights then add up, which costs
    one question a little precision and never an answer.
    """
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "big")
