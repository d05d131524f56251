"""In how many of a tenant's chunks each term stands, kept with the chunks and in their transactions.

Per tenant on purpose: an index that counts over everybody's chunks lets one tenant's uploads change another's scores.
The tenant's row in ``corpus_statistics`` is locked first, so that two transactions never wait for each other's terms.
"""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

_COUNT = text(
    "insert into corpus_statistics (tenant_id, chunks) values (:tenant, :chunks) "
    "on conflict (tenant_id) do update set chunks = corpus_statistics.chunks + excluded.chunks"
)
_ADD = text(
    "insert into term_statistics (tenant_id, term, chunks) "
    "select :tenant, term, chunks "
    "from unnest(cast(:terms as bigint[]), cast(:counts as bigint[])) as new (term, chunks) "
    "on conflict (tenant_id, term) do update set chunks = term_statistics.chunks + excluded.chunks"
)
_UNCOUNT = text("update corpus_statistics set chunks = chunks - :chunks where tenant_id = :tenant")
_REMOVE = text(
    "update term_statistics set chunks = term_statistics.chunks - gone.chunks "
    "from unnest(cast(:terms as bigint[]), cast(:counts as bigint[])) as gone (term, chunks) "
    "where term_statistics.tenant_id = :tenant and term_statistics.term = gone.term"
)
_DROP = text(
    "delete from term_statistics where tenant_id = :tenant and term = any(cast(:terms as bigint[])) and chunks <= 0"
)


def add(session: Session, tenant: UUID, chunks: Sequence[NDArray[np.uint32]]) -> None:
    """Count these chunks in; each is the array of its distinct term ids."""
    if chunks:
        session.execute(_COUNT, {"tenant": tenant, "chunks": len(chunks)})
        session.execute(_ADD, {"tenant": tenant, **_counted(chunks)})


def remove(session: Session, tenant: UUID, chunks: Sequence[NDArray[np.uint32]]) -> None:
    """Take these chunks out again; a term that stands nowhere any more leaves no row."""
    if chunks:
        session.execute(_UNCOUNT, {"tenant": tenant, "chunks": len(chunks)})
        counted = _counted(chunks)
        session.execute(_REMOVE, {"tenant": tenant, **counted})
        session.execute(_DROP, {"tenant": tenant, "terms": counted["terms"]})


def _counted(chunks: Sequence[NDArray[np.uint32]]) -> dict[str, list[int]]:
    terms, counts = np.unique(np.concatenate(chunks), return_counts=True)
    return {"terms": terms.tolist(), "counts": counts.tolist()}
