"""How a file is read: what a collection, or one act of reading again, asks of the parser and of the chunking."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from appliance.knowledge.parsing.limits import Recognition

FEWEST_TOKENS, MOST_TOKENS = 32, 400


@dataclass(frozen=True, slots=True)
class Reading:
    """``recognition`` of text in pictures; ``chunk_tokens`` None: as the appliance's settings say."""

    recognition: Recognition = "auto"
    chunk_tokens: int | None = None

    def stored(self) -> dict[str, Any]:
        """As it stands in a row or in a job's arguments."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """What was stored; an empty map is the usual way."""
        return cls(**stored)
