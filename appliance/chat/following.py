"""A question that leans on the one before it: "And for the other parent?". Pure; no model is asked.

So it works when the engine is down, and the same conversation always searches for the same words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.chat.asked import asked
from appliance.knowledge.terms import normal

_FOLLOWING: Final = re.compile(
    r"^(?:and|but|or|so|also|then|what about|how about)\b"
    r"|\b(?:it|its|they|them|their|this|those|these|he|she|his|her)\b"
    r"|^(?:那|还有|另外|以及|而)|[它他她]|这个|那个|这些|那些|前者|后者|上述|呢[?？。. ]*$"
)
FEWEST_TERMS: Final = 2
"""A question of fewer terms than this cannot stand alone: "Why?"."""


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
    """``question`` with the last of the person's questions ``before`` it (oldest first), if it leans on that."""
    return Leaning(question, before[-1]) if before and _leans(question) else Leaning(question)


def _leans(question: str) -> bool:
    return _FOLLOWING.search(normal(question).strip()) is not None or len(asked(question).terms) < FEWEST_TERMS
