"""Which of the pieces that an answer cites give different values for the same thing. Pure."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from appliance.chat.evidence import Evidence, Pool
from appliance.chat.facts import facts
from appliance.chat.wording import bare_words

SAME_THING: Final = 0.5
"""The part of its words, rare ones first, that the shorter of two pieces shares with the other and its headings."""

TOLD: Final = {
    "en": "The documents contradict each other.",
    "zh-Hans": "各文档的说法互相矛盾。",
    "zh-Hant": "各文件的說法互相矛盾。",
}


def told(language: str) -> str:
    """Say that the documents contradict each other; English where we have no better."""
    return TOLD.get(language, TOLD["en"])


def contradictions(cited: Sequence[Evidence], question: str, pool: Pool) -> Mapping[int, tuple[int, ...]]:
    """For each piece that others contradict, by its place in ``cited``, the places of those."""
    found: dict[int, tuple[int, ...]] = {}
    for (left, one), (right, other) in combinations(enumerate(cited), 2):
        if contradict(one, other, question, pool):
            found[left] = (*found.get(left, ()), right)
            found[right] = (*found.get(right, ()), left)
    return found


def contradict(one: Evidence, other: Evidence, question: str, pool: Pool) -> bool:
    """Whether two documents give different values for the same thing, in pieces that both bear on the question."""
    sources = pool.sources
    if sources[one.source].document == sources[other.source].document:
        return False
    return differ(one.text, other.text, question) and _same_thing(one, other, pool)


def differ(one: str, other: str, question: str) -> bool:
    """Whether both have values of one unit (or dates) that the question does not name, and none of them in common."""
    ours, theirs, asked = facts(one), facts(other), facts(question)
    if ours.codes and theirs.codes and not ours.codes & theirs.codes:
        return False
    mine, others = ours.measures - asked.measures, theirs.measures - asked.measures
    shared = {unit for _, unit in mine} & {unit for _, unit in others}
    both = [
        ({number for number, of in mine if of == unit}, {number for number, of in others if of == unit})
        for unit in shared
    ]
    if both:
        return any(not left & right for left, right in both)
    return bool(ours.dates and theirs.dates and not any(theirs.dated(date) for date in ours.dates))


def _same_thing(one: Evidence, other: Evidence, pool: Pool) -> bool:
    left, right = bare_words(one.text), bare_words(other.text)
    return (
        max(
            pool.share(left, right | other.context, least=1),
            pool.share(right, left | one.context, least=1),
        )
        >= SAME_THING
    )
