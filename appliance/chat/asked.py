"""What a question asks for: its terms without the words that only ask, and the kind of thing that answers.

A document that answers "How many days …?" holds a number and the rest of the words, but neither "how" nor "many".
Left in, such words would look like rare terms that no passage has.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from appliance.knowledge.terms import normal, terms

Kind = Literal["number", "person", "any"]

_QUESTION_EN: Final = re.compile(
    r"\b(?:how (?:many|much|long|often|far|large|big|old|soon|high|fast|quickly|do i|can i|is|are)|how"
    r"|what (?:is|are|was|kind of|type of|sort of)|what|when|where|which|who|whom|whose|why|please|tell me"
    r"|i|can|may|must|get|need|use|using|used|given|called|named|name)\b"
)
_QUESTION_ZH: Final = re.compile(
    "是多少|有多少|多少|多长时间|多长|多久|多大|多高|多远|几点|几个|几日|几天|几次|第几|几|什么时候|什么样|什么|何时|何处|何人|哪一天|哪一间"
    "|哪一个|哪一|哪些|哪个|哪天|哪里|哪儿|哪位|哪年|哪|谁|怎么算|怎么样|怎么|怎样|如何|为什么|为何|是否|有没有|能不能|可不可以|可以|吗|呢|请问|请"
)
_NUMBER: Final = re.compile(
    r"\bhow (?:many|much|long|often|far|large|big|old|soon|high|fast|quickly)\b|\bwhen\b"
    r"|\bwhat (?:(?:is|are) the (?:\w+ ){0,3})?(?:time|date|year|number|percentage|price|limit|size|day|discount|fee)\b"
    r"|\bwhat (?:(?:is|are) the (?:\w+ ){0,3})?(?:rate|amount|torque|cost|budget|weight|pressure)\b"
    r"|\bwhat (?:(?:is|are) the (?:\w+ ){0,3})?(?:temperature|speed|distance|voltage|accuracy|capacity|length)\b"
    r"|\bwhich (?:year|date|day)\b|\bat what\b"
    "|多少|多长|多久|多大|多高|多远|几|什么时候|何时|哪一天|哪天|哪年"
)
_PERSON: Final = re.compile(r"\bwho(?:m|se)?\b|谁|哪位|何人")
_DIGITS: Final = re.compile(
    r"(?<![a-z\d])(?<![a-z]-)\d+|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand|million|half"
    r"|once|twice|first|second|third|every"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
    "|[一二两三四五六七八九十百千万半每]"
)
_NAME: Final = re.compile(r"(?<![.!?。|] )(?<!^)\b[A-Z][a-z]+|(?<![A-Za-z])[A-Z]{2,}")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_COMPOUND: Final = re.compile(r"[a-z0-9]+(?:[-_./+#&][a-z0-9]+)*")
_CODE: Final = re.compile(r"(?<![a-z0-9])[a-z]{1,6}-?\d+[a-z0-9]*(?:-[a-z0-9]+)*")
_PROPER: Final = re.compile(r"(?<=[\w,;:)] )[A-Z][a-z][\w’'-]+")
WHOLE: Final = 0.6
"""What a compound weighs as a whole; its parts share the rest."""


Same = tuple[str, tuple[str, ...]]
"""A word that stands in a question, and others that mean the same."""
MOST_WORDINGS: Final = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the search for its answer sees it. No terms: then nothing can be found.

    ``terms`` holds each term's share in the word it belongs to, 1 for a word that is one term. ``codes`` are product
    codes as terms (xr200), ``names`` the terms of each word that is written with a capital inside the question.
    """

    text: str
    terms: Mapping[str, float]
    kind: Kind
    codes: frozenset[str] = frozenset()
    names: tuple[frozenset[str], ...] = ()


def asked(question: str) -> Asked:
    """The terms that an answering passage should share, and the kind of answer."""
    plain = normal(question)
    kind: Kind = "number" if _NUMBER.search(plain) else "person" if _PERSON.search(plain) else "any"
    bare = _QUESTION_EN.sub(" ", _QUESTION_ZH.sub(" ", plain))
    found = frozenset(terms(bare)) or frozenset(terms(plain))
    codes = frozenset(term for code in _CODE.findall(plain) for term in terms(code)[:1])
    names = tuple(frozenset(terms(name)) for name in _PROPER.findall(question))
    return Asked(question, dict.fromkeys(found, 1.0) | _compounds(bare), kind, codes, names)


def wordings(question: str, same: Sequence[Same]) -> list[str]:
    """The question as it was put, then with a word of it in other words, some of them."""
    told = [question]
    for said, others in same:
        place = re.compile(re.escape(said), re.IGNORECASE)
        told += [place.sub(lambda _, to=other: to, question) for other in others if place.search(question)]  # type: ignore[misc] # mypy does not see the default
    return told[:MOST_WORDINGS]


def _compounds(text: str) -> dict[str, float]:
    """The shares of a compound's terms: Wi-Fi is one word, although it is found as wifi, wi and fi."""
    shares: dict[str, float] = {}
    for compound in _COMPOUND.findall(text):
        whole, *parts = terms(compound) or [""]
        if parts:
            shares[whole] = WHOLE
            shares |= dict.fromkeys(parts, (1 - WHOLE) / len(parts))
    return {term: share for term, share in shares.items() if term}


def fits(question: Asked, piece: str) -> float:
    """1 where ``piece`` holds the kind of thing that is asked for, -1 where not, 0 where that cannot be told."""
    if question.kind == "any":
        return 0.0
    if question.kind == "number":
        told = set(_DIGITS.findall(normal(piece))) - set(_DIGITS.findall(normal(question.text)))
        return 1.0 if told else -1.0
    if _HAN.search(piece):
        return 0.0
    return 1.0 if set(_NAME.findall(piece)) - set(_NAME.findall(question.text)) else -1.0
