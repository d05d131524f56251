"""Which piece of which passage supports a sentence of an answer, or that none does.

A sentence is supported by one piece when (1) every number and every name in it stands in that piece, in its headings
or, for what the sentence merely repeats, in the question; (2) both are positive or both negative; (3) the piece holds
most of what the sentence says, rare terms first, and most of what it says beyond the question. One piece, not a
passage: "the trial period is 3 weeks" must not be put together from "the trial period is 2 months" and "a talk after
3 weeks".
"""

import functools
import re
from dataclasses import dataclass
from typing import Final

from appliance.chat.asked import asked
from appliance.chat.evidence import Evidence, Pool
from appliance.chat.quoting import Score
from appliance.chat.sentences import Piece, pieces
from appliance.knowledge.terms import normal, terms

ENOUGH: Final = 0.6
"""The part of a sentence's weight that its piece must hold."""
ENOUGH_NEW: Final = 0.5
"""The same of what the sentence says beyond the question. A paraphrase brings words of its own ("lasts" for "is")."""
CONTEXT: Final = 0.5
"""Credit for what stands only in the headings above the piece."""
TIE: Final = 0.25
"""How much a piece's fitness for the question counts among those that support a sentence."""

_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_WORDS: Final = {
    word: str(value)
    for value, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
_SPELLED: Final = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_UNITS: Final = (
    *(
        "second",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "year",
        "seconds",
        "minutes",
        "hours",
        "days",
        "weeks",
        "months",
    ),
    *(
        "years",
        "eur",
        "euro",
        "euros",
        "usd",
        "dollar",
        "dollars",
        "%",
        "percent",
        "kg",
        "g",
        "t",
        "bar",
        "mm",
        "cm",
        "m",
    ),
    *(
        "km",
        "nm",
        "v",
        "w",
        "kwh",
        "wh",
        "hz",
        "khz",
        "db",
        "litres",
        "litre",
        "degrees",
        "°c",
        "pages",
        "page",
        "people",
    ),
    *(
        "秒",
        "分钟",
        "小时",
        "天",
        "日",
        "周",
        "星期",
        "个月",
        "月",
        "年",
        "元",
        "米",
        "公里",
        "公斤",
        "伏",
        "瓦",
        "升",
        "度",
        "人",
    ),
)


@functools.cache
def _unit_terms() -> frozenset[str]:
    return frozenset(term for unit in _UNITS for term in terms(unit))


_MEASURE: Final = re.compile(
    rf"({_NUMBER.pattern})[ \u00a0-]?({'|'.join(sorted(map(re.escape, _UNITS), key=len, reverse=True))})(?![a-z])"
)
_CODE: Final = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9-]*[A-Z])(?=[A-Za-z0-9-]*\d)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_NAME: Final = re.compile(r"(?<=[\w,;:)] )[A-Z][\w’'-]+")
_NOT: Final = re.compile(
    r"\b(?:not|no|never|cannot|nobody|nothing|none|neither|nor|without)\b|n['’]t\b|[不没沒無无未勿禁莫]"
)
_HEDGE: Final = re.compile(
    r"^(?:according to|based on|as (?:stated|said|mentioned|described) in|per)\b[^,，]{0,80}[,，]\s*"
    r"|^(?:the )?answer(?: is)?\s*:\s*|^the answer is\b"
    r"|^(?:the )?(?:documents?|passages?|sources?|text) (?:says?|states?|mentions?|tells?)(?: that)?\b"
    r"|\[\d+\]|\((?:passage|source) \d+\)|根据[^，,]{0,40}[，,]|根據[^，,]{0,40}[，,]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Attributed:
    """A sentence of the answer, ``answer[piece.start:piece.end]``, and what supports it. No evidence: unsupported.

    ``relevance`` is the supporting piece's own score for the question (:func:`quoting.score`), 0 where unsupported.
    """

    piece: Piece
    text: str
    evidence: Evidence | None
    relevance: float = 0.0

    @property
    def supported(self) -> bool:
        """Whether some piece says it."""
        return self.evidence is not None


def attribute(answer: str, question: str, pool: Pool) -> tuple[Attributed, ...]:
    """Every sentence of ``answer`` with its support."""
    return tuple(sentence(answer, piece, question, pool) for piece in pieces(answer))


def sentence(answer: str, piece: Piece, question: str, pool: Pool) -> Attributed:
    """One sentence of ``answer`` with the piece that supports it best."""
    text = answer[piece.start : piece.end]
    said = _SPELLED.sub(_digits, _HEDGE.sub(" ", text)).strip()
    wanted = asked(question)
    told = frozenset(terms(said))
    fresh = told - wanted.terms.keys() - frozenset(terms(question))
    if not fresh or piece.kind == "heading":
        return Attributed(piece, text, None)
    score = Score(wanted, pool)
    found: list[tuple[float, float, Evidence]] = []
    for one in pool.evidence:
        held, new = _held(told, one, pool), _held(fresh, one, pool)
        if held >= ENOUGH and new >= ENOUGH_NEW and _agrees(said, question, one, pool):
            relevance = score(one)
            found.append((min(held, new) + TIE * relevance, relevance, one))
    if not found:
        return Attributed(piece, text, None)
    _, relevance, best = max(found, key=lambda entry: entry[0])
    return Attributed(piece, text, best, relevance)


def numbers(text: str) -> frozenset[str]:
    """The numbers in ``text``, alike however they are written: 1,200 and 1200, 08:30 and 8:30, two and 2."""
    plain = normal(text)
    digits = (_plain(number) for number in _NUMBER.findall(plain))
    spelled = (_WORDS[word] for word in _SPELLED.findall(plain))
    return frozenset((*digits, *spelled))


def measures(text: str) -> frozenset[tuple[str, str]]:
    """The numbers in ``text`` that have a unit, with it: 2 days is not 2 hours."""
    found = _MEASURE.findall(_SPELLED.sub(_digits, normal(text)))
    return frozenset((_plain(number), _unit(unit)) for number, unit in found)


def _unmeasured(text: str) -> frozenset[tuple[str, str]]:
    """For the numbers that have no unit where they stand (cells of a table), every unit."""
    measured = {number for number, _ in measures(text)}
    return frozenset((number, _unit(unit)) for number in numbers(text) - measured for unit in _UNITS)


def _unit(unit: str) -> str:
    return unit if len(unit) == 1 else unit.removesuffix("s")


def _digits(match: re.Match[str]) -> str:
    return _WORDS[match.group().casefold()]


def names(text: str) -> frozenset[str]:
    """Codes (XR-200) and words written with a capital inside a sentence, folded."""
    found = (normal(name) for name in (*_CODE.findall(text), *_NAME.findall(text)))
    return frozenset(name for name in found if name not in _UNITS)


def negative(text: str) -> bool:
    """Whether ``text`` denies or forbids something."""
    return _NOT.search(normal(text)) is not None


def _held(wanted: frozenset[str], evidence: Evidence, pool: Pool) -> float:
    own = wanted & (evidence.terms | frozenset(terms(_SPELLED.sub(_digits, evidence.text))))
    context = (wanted & evidence.context) - own
    if evidence.piece.kind == "row":  # a cell's unit stands in the header, if anywhere; ``_agrees`` sees to it
        wanted = wanted - _unit_terms() or wanted
    return pool.share(wanted, own, least=1) + CONTEXT * pool.share(wanted, context, least=1)


def _agrees(said: str, question: str, evidence: Evidence, pool: Pool) -> bool:
    """Numbers, names and polarity: what a paraphrase may not change."""
    if not numbers(said) <= numbers(evidence.text) | numbers(question):
        return False
    measured = measures(evidence.text) | (_unmeasured(evidence.text) if evidence.piece.kind == "row" else set())
    if not measures(said) <= measured | measures(question):
        return False
    if negative(said) != negative(evidence.text):
        return False
    source = pool.sources[evidence.source]
    around = normal(" ".join((evidence.text, question, source.name, source.lead, *source.headings)))
    return all(name in around for name in names(said))


def _plain(number: str) -> str:
    whole = number.replace(",", "")
    return ":".join(part.lstrip("0") or "0" for part in whole.split(":")) if ":" in whole else whole.rstrip(".")
