"""The changes that the index must make, written in the transaction of the act that causes them.

Writers take one advisory lock before the first insert and hold it to their commit, so the order of ``seq`` is the order
of commits: a reader that saw row n never finds a smaller one later. So append last, shortly before the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from appliance.knowledge.tables import IndexOutboxRow

CHANNEL = "index_outbox"
LOCK = 0x1DE70B0C  # any number that nobody else locks

Op = Literal["upsert", "delete", "flip", "access"]


@dataclass(frozen=True, slots=True)
class Change:
    """One row. ``upsert`` and ``delete`` name a chunk; ``flip`` makes a revision current and comes after its upserts.

    ``access`` gives all points of a document the readers that it has when the row is applied; it names no revision.

    The row of a deleted chunk goes in the same transaction that writes its ``delete``.
    """

    op: Op
    tenant: UUID
    document: UUID
    revision: UUID
    chunk: UUID | None = None


def append(session: Session, changes: Sequence[Change]) -> None:
    """Write the changes in their order and wake the projector at the commit."""
    if not changes:
        return
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    rows = [
        {
            "tenant_id": change.tenant,
            "op": change.op,
            "document_id": change.document,
            "revision_id": change.revision,
            "chunk_id": change.chunk,
        }
        for change in changes
    ]
    session.execute(insert(IndexOutboxRow.__table__), rows)  # type: ignore[arg-type] # the table: no ORM objects
    session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
