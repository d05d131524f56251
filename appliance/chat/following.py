"""A question that leans on the ones before it: "And for the other parent?". Pure; no model is asked.

So it works when the engine is down, and the same conversation always searches for the same words. What is carried over
is the last question that stands alone; what later ones name of the same kind takes its predecessor's place in it: "How
long is the warranty of the XR-200?" and "And of the PT-45?" ask for the warranty of the PT-45.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.chat.asked import asked
from appliance.knowledge.terms import normal

_FOLLOWING: Final = re.compile(
    r"^(?:and|but|or|so|also|then|what about|how about)\b"
    r"|\b(?:it|its|they|them|their|this|those|these|he|she|his|her)\b|\bthat[?!. ]*$"
    r"|^(?:那|还有|另外|以及|而)|[它他她]|这个|那个|这些|那些|前者|后者|上述|呢[?？。. ]*$"
)
FEWEST_TERMS: Final = 2
"""A question of fewer terms than this cannot stand alone: "Why?"."""
FARTHEST: Final = 4
"""Questions looked back at: what was asked before is another subject by now."""

_THINGS: Final = (
    re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,6}-?\d+[A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"),  # XR-200, PT-45H
    re.compile(r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"),
    re.compile(r"(?<![0-9])(?:1[0-2]|[1-9])月|[一二三四五六七八九十]+月"),
    re.compile(r"(?<=[\w,;:)] )(?!I\b)[A-Z][A-Za-z][\w’'-]+"),  # Maas, Premium: a capital inside the question
    re.compile(r"[一二三四五六七八九十]+号线"),
)
"""Things of one kind each, of which a later one takes the place of an earlier one."""
_SHORT: Final = re.compile(r"^(?:and|but|or|what about|how about)\b|^(?:那|还有|另外)|呢[?？。. ]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leaning:
    """A question and the earlier one that it needs to be understood; "" where it stands alone."""

    text: str
    earlier: str = ""

    @property
    def search(self) -> str:
        """What to search for."""
        return f"{self.earlier} {self.text}".strip()


def condense(question: str, before: Sequence[str]) -> Leaning:
    """``question`` with what it needs of the person's questions ``before`` it (oldest first), if it leans on them."""
    if not before or not _leans(question):
        return Leaning(question)
    recent = list(before[-FARTHEST:])
    while len(recent) > 1 and not all(map(_leans, recent[1:])):
        recent.pop(0)
    carried = recent[0]
    for later in (*recent[1:], question):
        carried = _replaced(carried, later)
    return Leaning(question, carried)


def _leans(question: str) -> bool:
    return _FOLLOWING.search(normal(question).strip()) is not None or len(asked(question).terms) < FEWEST_TERMS


def _replaced(earlier: str, later: str) -> str:
    """``earlier`` with what ``later`` names in the place of its own thing, if ``later`` asks the same of another."""
    if _SHORT.search(later.strip()) is None:
        return earlier
    for kind in _THINGS:
        new = kind.findall(later)
        if new and kind.search(earlier):
            return kind.sub(lambda _, to=new[0]: to, earlier, count=1)  # type: ignore[misc] # mypy does not see the default
    return earlier
