"""What chat asks of search: passages that this person may read, as sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from appliance.access.principal import Principal
from appliance.chat.evidence import Source


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages found, best first. ``legs``: which rankings voted; ``note`` says why one did not, or None."""

    sources: tuple[Source, ...]
    language: str
    legs: tuple[str, ...] = ()
    note: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)


class Retrieval(Protocol):
    """Search for one question."""

    def find(self, question: str, principal: Principal, collections: Sequence[str] | None, limit: int) -> Retrieved:
        """Passages in the named collections (ids or names; None: all). Raises NotFound for one that is not there."""
        ...
