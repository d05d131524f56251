"""What PostgreSQL says before the index is asked, in as few round trips as can be: one for nearly every question.

A second one where the glossary adds terms, whose statistics are then asked for, or where filters name documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from appliance.access.principal import Principal
from appliance.kit.asking import ask
from appliance.kit.database import Database
from appliance.knowledge import bm25, expansion, narrowing, passages
from appliance.knowledge.access import Changes
from appliance.knowledge.bm25 import Weights
from appliance.knowledge.errors import CollectionNotFound
from appliance.knowledge.expansion import Expansion
from appliance.knowledge.narrowing import Ids
from appliance.knowledge.sources.errors import SourceNotFound
from appliance.knowledge.wish import Wish


@dataclass(frozen=True, slots=True)
class Beforehand:
    """The question with what the glossary adds, what its terms weigh, and among which points it is to be looked for.

    ``collections``, ``sources`` and ``documents`` None: in all that the principal may read.
    """

    expansion: Expansion
    weights: Weights
    changes: Changes
    collections: Ids = None
    sources: Ids = None
    documents: tuple[UUID, ...] | None = None


def beforehand(database: Database, principal: Principal, question: str, wish: Wish, most_named: int) -> Beforehand:
    """Of one question; filters name ``most_named`` documents at most. Raises CollectionNotFound, SourceNotFound."""
    tenant, own = principal.tenant, bm25.counted(question)
    entries, counted, changes, *places = ask(
        database,
        tenant,
        expansion.entries(tenant, question),
        passages.statistics(tenant, own),
        passages.changes(principal),
        *([] if wish.collections is None else [narrowing.collections(principal, wish.collections)]),
        *([narrowing.sources(principal, wish.filters.sources)] if wish.filters.sources else []),
    )
    within, sources = _places(wish, places)
    whole = expansion.expanded(question, entries)
    counts = whole.counts()
    terms = [passages.statistics(tenant, counts.keys() - own.keys())] if whole.added else []
    filtered = [narrowing.named(tenant, wish.filters, within, sources, most_named)] if wish.filters else []
    more = ask(database, tenant, *terms, *filtered) if terms or filtered else []
    weights = bm25.question(counts, passages.counted(counted, *more[: len(terms)]))
    documents = narrowing.these(more[-1], most_named) if filtered else None
    return Beforehand(whole, weights, passages.changed(changes), within, sources, documents)


def _places(wish: Wish, found: Sequence[Sequence[Any]]) -> tuple[Ids, Ids]:
    """The collections and the sources that are wished for, from what was asked for them, in this order."""
    within = None if wish.collections is None else narrowing.resolved(wish.collections, found[0], CollectionNotFound)
    sources = wish.filters.sources
    return within, narrowing.resolved(sources, found[-1], SourceNotFound) if sources else None
