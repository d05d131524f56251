"""What an archive carries beside documents: the rule of retention of its collection, and the glossary. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from appliance.knowledge.glossary import MOST_EXPANSIONS, Told
from appliance.knowledge.retention import Rule, Since

_Word = Annotated[str, Field(max_length=200)]


class TermTold(BaseModel):
    """An entry of the glossary."""

    term: _Word
    expansions: Annotated[list[_Word], Field(min_length=1, max_length=MOST_EXPANSIONS)]


class RuleTold(BaseModel):
    """A rule of retention: ``days`` and ``since``, or ``until``."""

    days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    since: Since | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.days is None) != (self.since is None) or (self.days is None) == (self.until is None):
            raise ValueError("a rule has days and since, or until")
        return self

    def rule(self, today: date) -> Rule | None:
        """What is meant; None where its day is over: it would forget what has just come in."""
        return None if self.until is not None and self.until < today else Rule(self.days, self.since, self.until)


def terms(told: Sequence[TermTold]) -> list[Told]:
    """As the glossary takes them."""
    return [(one.term, one.expansions) for one in told]
