"""Search for chat's tests: BM25 over given passages, as the sparse leg of the real search computes it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.chat.evidence import Source
from appliance.chat.retrieval import Retrieved
from appliance.kit.errors import NotFound
from appliance.knowledge import bm25
from appliance.knowledge.language import detect


@dataclass(slots=True)
class GivenPassages:
    """Finds among ``sources``, remembers what was searched for; ``deleted`` documents are gone when an answer ends."""

    sources: tuple[Source, ...]
    searched: list[str] = field(default_factory=list)
    deleted: set[UUID] = field(default_factory=set)

    def find(self, question: str, principal: Principal, collections: Sequence[str] | None, limit: int) -> Retrieved:
        """The best passages in the collection ``handbook`` that have anything in common with the question."""
        self.searched.append(question)
        if collections and set(collections) != {"handbook"}:
            raise NotFound(f"there is no collection {collections[0]!r}, {principal.name}")
        counts = [bm25.counted(source.text) for source in self.sources]
        frequencies = Counter(term for each in counts for term in each)
        asked = bm25.question(bm25.counted(question), bm25.Statistics(len(counts), frequencies))
        scores = [bm25.score(asked, bm25.document(each)) for each in counts]
        order = sorted((number for number, score in enumerate(scores) if score > 0), key=lambda one: -scores[one])
        found = tuple(self.sources[number] for number in order[:limit])
        return Retrieved(found, detect(question), ("sparse",), None, {"total_ms": 1.0})

    def hold(self, session: Session, principal: Principal, documents: Collection[UUID]) -> frozenset[UUID]:  # noqa: ARG002 - the port's
        """All but the deleted ones."""
        return frozenset(documents) - self.deleted
