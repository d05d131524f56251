"""What a sentence says in words, and how much of that a piece holds.

Words are terms in plain form. Chinese is cut at its particles first, so that 保固期外的檢測費 and 保固期外之檢測費 have
the same words, and no bigram crosses a particle.
"""

import functools
import re
from collections import Counter, defaultdict
from typing import Final

from appliance.chat.denials import NOT
from appliance.chat.evidence import Evidence, Pool
from appliance.chat.facts import TIMES, UNITS, facts, plain, unbounded
from appliance.knowledge.terms import terms

CONTEXT: Final = 0.5
"""Credit for what stands only in the headings above the piece."""
OPPOSITES: Final = (
    *(
        ("before", "after"),
        ("above", "below"),
        ("inside", "outside"),
        ("internal", "external"),
        ("upstream", "downstream"),
    ),
    *(("minimum", "maximum"), ("first", "last"), ("first", "second"), ("indoor", "outdoor")),
    *(("国内", "国外"), ("以上", "以下"), ("以前", "以后"), ("之前", "之后"), ("上午", "下午"), ("入职", "离职")),
    *(("最大", "最小"), ("最早", "最晚"), ("高于", "低于"), ("有薪", "无薪"), ("早班", "晚班")),
)
OTHER: Final = re.compile(r"\b(?:an)?other\b|其他|其它|另一")
"""Whoever says it speaks of somebody or something else than a text without it."""
STRANGE: Final = 3
"""As many ideographs in a row that the piece does not have are a name that it does not know."""

_PARTICLE: Final = re.compile(
    "(?:的话|的|之|了|着|是|为|要|须|应该?|需要?|必|请|于|在|从|自|到|将|把|被|由|和|与|及|或者?|并且?|而|也|都|还|就|再|则|能|可以?|得|所|其|该|这|那|若|如果|如|因为?|里|内|者)"
)
_CLAUSE: Final = re.compile(r"[,;:。.!?|\n](?!\d)|[，；：]|\band\b|\bbut\b")


@functools.lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The terms of ``text`` in plain form, without particles."""
    return frozenset(terms(_PARTICLE.sub(" ", NOT.sub(" ", unbounded(plain(text))))))


def bare_words(text: str) -> frozenset[str]:
    """The same without numbers and units."""
    return frozenset(word for word in words(text) if not any(map(str.isdigit, word))) - _unit_words()


@functools.lru_cache(maxsize=1)
def _unit_words() -> frozenset[str]:
    return frozenset(word for unit in UNITS for word in words(unit))


@functools.lru_cache(maxsize=1)
def _time_words() -> frozenset[str]:
    return frozenset(word for unit in TIMES for word in words(unit))


def opposed(said: str, text: str) -> bool:
    """Whether one says an opposite of the other: before for after, 国外 for 国内."""
    ours, theirs = plain(said), plain(text)
    if OTHER.search(ours) and not OTHER.search(theirs):
        return True
    return any(
        (one in ours and one not in theirs and other in theirs and other not in ours)
        or (other in ours and other not in theirs and one in theirs and one not in ours)
        for one, other in OPPOSITES
    )


class Wording:
    """Words against the pieces of one answer's passages."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._plain = Pool(
            pool.sources, pool.evidence, Counter(word for one in pool.evidence for word in words(one.text)), frozenset()
        )
        self._labels: dict[int, set[str]] = defaultdict(set)
        for one in pool.evidence:
            label = plain(one.text.strip().strip("|").split("|")[0]).strip()
            if one.piece.kind == "row" and not one.bare and len(label) > 1 and not label.isdigit():
                self._labels[one.source].add(label)

    def held(self, wanted: frozenset[str], one: Evidence) -> float:
        """What part of the weight of ``wanted`` the piece holds; half credit for its context."""
        own = wanted & (one.terms | words(one.text))
        context = (wanted & one.context) - own
        if one.piece.kind == "row":  # a cell's unit stands in the header, if anywhere; the facts see to it
            wanted = wanted - _unit_words() or wanted
        return self._plain.share(wanted, own, least=1) + CONTEXT * self._plain.share(wanted, context, least=1)

    def replaced(self, wanted: frozenset[str], one: Evidence) -> float:
        """What part of ``wanted`` the piece and its context lack and other pieces have."""
        lacking = wanted - one.terms - words(one.text) - one.context
        return self._plain.share(wanted, {word for word in lacking if word in self._plain.frequencies}, least=1)

    def touches(self, said: str, one: Evidence) -> bool:
        """Whether the piece itself, not its headings alone, speaks of what ``said`` speaks of."""
        about = frozenset(word for word in words(said) if not any(map(str.isdigit, word))) - _time_words()
        return not about or bool(about & (one.terms | words(one.text)))

    def placed(self, said: str, text: str, known: frozenset[str]) -> bool:
        """Whether each number of ``said`` stands in that clause of ``text`` which speaks of the same thing.

        "The standard time is 4 weeks; with option EX it is 9 weeks" does not say that the standard time is 9 weeks.
        """
        clauses = [clause for clause in _CLAUSE.split(text) if clause.strip()]
        told = words(said)
        for number, unit in facts(said).measures:
            if number in known or len(clauses) == 1:
                continue
            mine = [clause for clause in clauses if (number, unit) in facts(clause).measures]
            rivals = [
                clause
                for clause in clauses
                if clause not in mine and any(other == unit for _, other in facts(clause).measures)
            ]
            others = facts(said).numbers - {number}
            if any(others & facts(clause).numbers for clause in mine):
                continue
            best = max((self._weight(told & self._own(clause, clauses)) for clause in mine), default=None)
            if best is not None and any(
                self._weight(told & self._own(clause, clauses)) > MUCH * best for clause in rivals
            ):
                return False
        return True

    def swapped(self, said: str, one: Evidence) -> bool:
        """Whether ``said`` names what another row of a table is about, and the piece what this row is about.

        "Lek has 20 seats" is not supported by the row, or the sentence, of another room.
        """
        labels = sorted(self._labels[one.source], key=len, reverse=True)
        if not labels:
            return False
        label = re.compile("|".join(map(re.escape, labels)))
        ours, theirs = set(label.findall(plain(said))), set(label.findall(plain(one.text)))
        return bool(ours - theirs and theirs - ours)

    def strange(self, said: str, one: Evidence, question: str) -> bool:
        """Whether ``said`` has a Chinese name that neither the piece nor what stands around it knows."""
        source = self._pool.sources[one.source]
        around = (one.text, question, source.name, source.lead, *source.headings, *one.context)
        known = set(plain(" ".join(around)))
        run = 0
        for letter in _PARTICLE.sub(" ", plain(said)):
            run = run + 1 if letter >= "㐀" and letter not in known else 0
            if run == STRANGE:
                return True
        return False

    @staticmethod
    def _own(clause: str, clauses: list[str]) -> frozenset[str]:
        """The words of one clause that no other has; its numbers are not words."""
        others = frozenset().union(*(words(other) for other in clauses if other is not clause))
        return frozenset(word for word in words(clause) - others if not word.isdigit())

    def _weight(self, found: frozenset[str]) -> float:
        return sum(self._plain.weight(word, 1) for word in found)


MUCH: Final = 1.0
"""How many times as much a rival clause must share to be the one that is meant."""
