"""How far each index has durably applied the outbox, and which rows nobody needs any more.

A mark is set only after the index has flushed. Rows up to the smallest mark are deleted. A mark is named by a token
that is made with the index: an index whose token the database does not know, or knows with a smaller number than the
index itself, belongs to another history (the database was restored) and must be rebuilt.
"""

from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.kit import clock
from appliance.knowledge.tables import IndexMarkRow, IndexOutboxRow


def read(session: Session, token: str) -> int | None:
    """The mark, or None when there is none of this name."""
    return session.execute(select(IndexMarkRow.seq).where(IndexMarkRow.shard == token)).scalar_one_or_none()


def write(session: Session, token: str, seq: int, details: Mapping[str, object]) -> None:
    """Set the mark."""
    values = {"seq": seq, "details": dict(details), "updated_at": clock.now()}
    session.execute(
        insert(IndexMarkRow)
        .values(shard=token, **values)
        .on_conflict_do_update(index_elements=[IndexMarkRow.shard], set_=values)
    )


def keep_only(session: Session, token: str) -> None:
    """Forget every other mark: those indexes are gone."""
    session.execute(delete(IndexMarkRow).where(IndexMarkRow.shard != token))


def prune(session: Session) -> None:
    """Delete the rows that every index has durably applied; none while there is no mark at all."""
    smallest = select(func.min(IndexMarkRow.seq)).scalar_subquery()
    session.execute(delete(IndexOutboxRow).where(IndexOutboxRow.seq <= smallest))
