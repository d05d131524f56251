"""What chat asks of search: passages that this person may read, as sources."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.chat.asked import Same
from appliance.chat.evidence import Source
from appliance.knowledge import passages
from appliance.knowledge.passages import Passage
from appliance.knowledge.retrieval import Retrieval as Search
from appliance.knowledge.wish import Wish


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages found, best first. ``legs``: which rankings voted; ``note`` says why one did not, or None."""

    sources: tuple[Source, ...]
    language: str
    legs: tuple[str, ...] = ()
    note: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    same: tuple[Same, ...] = ()
    """What the glossary knows of the question's words."""


class Retrieval(Protocol):
    """Search for one question."""

    def find(self, question: str, principal: Principal, collections: Sequence[str] | None, limit: int) -> Retrieved:
        """Passages in the named collections (ids or names; None: all). Raises NotFound for one that is not there."""
        ...

    def hold(self, session: Session, principal: Principal, documents: Collection[UUID]) -> frozenset[UUID]:
        """Those of the documents that may still be read; none of them is forgotten until the transaction ends."""
        ...


class KnowledgeRetrieval:
    """The appliance's own search."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def find(self, question: str, principal: Principal, collections: Sequence[str] | None, limit: int) -> Retrieved:
        """As :meth:`Retrieval.find`."""
        found = self._search.find(principal, question, Wish(limit, collections, fold="same"))
        sources = tuple(_source(passage) for passage in found.passages)
        same = tuple((one.said, one.others) for one in found.expansion.added)
        return Retrieved(sources, found.language, found.legs, found.note, asdict(found.timings), same)

    def hold(self, session: Session, principal: Principal, documents: Collection[UUID]) -> frozenset[UUID]:
        """As :meth:`Retrieval.hold`."""
        return passages.hold(session, principal, documents)


def _source(passage: Passage) -> Source:
    return Source(
        document=passage.document,
        name=passage.name,
        revision=passage.revision,
        chunk=passage.chunk,
        text=passage.text,
        start=passage.start,
        line=passage.line,
        page=passage.page,
        headings=passage.headings,
        lead=f"{passage.title}\n{passage.lead}",
        recognised=passage.recognised,
        sheets=passage.sheets,
    )
