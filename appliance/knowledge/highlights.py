"""Where a question's words stand in a passage, in any script and width: 「ＸＲ２００」 is marked for "XR-200". Pure."""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from appliance.knowledge.script import HAN
from appliance.knowledge.terms import located, normal

Span = tuple[int, int]
"""Offsets into the passage's text, in code points; the second excluded."""

MOST: Final = 100
"""Spans of one passage."""

_HAN: Final = re.compile(f"[{HAN}]")


def highlights(text: str, wanted: Iterable[str]) -> tuple[Span, ...]:
    """The spans of ``text`` that hold one of the ``wanted`` terms, in order, apart from each other.

    A single ideograph is marked only where the question has it alone: in 「年假几天」 it is a part of a word, and every
    天 would be marked.
    """
    terms = frozenset(wanted)
    terms -= {letter for term in terms if len(term) > 1 for letter in _HAN.findall(term)}
    if text.isascii():
        found = [(start, end) for term, start, end in located(normal(text)) if term in terms]
    else:
        plain, starts, ends = _aligned(text)
        found = [(starts[start], ends[end - 1]) for term, start, end in located(plain) if term in terms]
    return tuple(_joined(sorted(found)))[:MOST]


def _aligned(text: str) -> tuple[str, list[int], list[int]]:
    """``text`` as terms see it; of each of its characters, between which offsets of ``text`` it comes from."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        pieces.append(_normal(text[start:end]))
        starts += [start] * len(pieces[-1])
        ends += [end] * len(pieces[-1])
    return "".join(pieces), starts, ends


def _clusters(text: str) -> Iterator[Span]:
    """Each character with the marks that combine with it: normal forms are of both together."""
    start = 0
    for at, letter in enumerate(text):
        if at > start and not unicodedata.combining(letter):
            yield start, at
            start = at
    if text:
        yield start, len(text)


@functools.lru_cache(maxsize=20_000)
def _normal(cluster: str) -> str:
    return normal(cluster)


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    last: Span | None = None
    for start, end in spans:
        if last is not None and start <= last[1]:
            last = last[0], max(last[1], end)
            continue
        if last is not None:
            yield last
        last = start, end
    if last is not None:
        yield last
