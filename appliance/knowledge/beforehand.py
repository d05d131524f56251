"""What PostgreSQL says before the index is asked, in as few round trips as can be: one for nearly every question.

A second one where the glossary adds terms, whose statistics are then asked for, or where filters name documents.
"""

from dataclasses import dataclass
from uuid import UUID

from appliance.access.principal import Principal
from appliance.kit.asking import ask
from appliance.kit.database import Database
from appliance.knowledge import bm25, expansion, narrowing, passages
from appliance.knowledge.access import Changes
from appliance.knowledge.bm25 import Weights
from appliance.knowledge.expansion import Expansion
from appliance.knowledge.wish import Wish


@dataclass(frozen=True, slots=True)
class Beforehand:
    """The question with what the glossary adds, what its terms weigh, and among which points it is to be looked for.

    ``collections`` and ``documents`` None: in all that the principal may read.
    """

    expansion: Expansion
    weights: Weights
    changes: Changes
    collections: tuple[UUID, ...] | None = None
    documents: tuple[UUID, ...] | None = None


def beforehand(database: Database, principal: Principal, question: str, wish: Wish, most_named: int) -> Beforehand:
    """Of one question; filters name ``most_named`` documents at most. Raises CollectionNotFound."""
    tenant, own = principal.tenant, bm25.counted(question)
    named = [] if wish.collections is None else [narrowing.collections(principal, wish.collections)]
    entries, counted, changes, *places = ask(
        database,
        tenant,
        expansion.entries(tenant, question),
        passages.statistics(tenant, own),
        passages.changes(principal),
        *named,
    )
    within = None if wish.collections is None else narrowing.resolved(wish.collections, places[0])
    whole = expansion.expanded(question, entries)
    counts = whole.counts()
    terms = [passages.statistics(tenant, counts.keys() - own.keys())] if whole.added else []
    filtered = [narrowing.named(tenant, wish.filters, within, most_named)] if wish.filters else []
    more = ask(database, tenant, *terms, *filtered) if terms or filtered else []
    weights = bm25.question(counts, passages.counted(counted, *more[: len(terms)]))
    documents = narrowing.these(more[-1], most_named) if filtered else None
    return Beforehand(whole, weights, passages.changed(changes), within, documents)
