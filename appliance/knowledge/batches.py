"""Many documents taken in or read again as one act: counted by state, with a pace and an end. Never commits.

A document belongs to the last batch that had it read. A batch is told to who began it, and to administrators.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, cast, func, insert, select, true, update
from sqlalchemy.orm import Session

from appliance.access.permissions import Action, allowed
from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.kit import paging
from appliance.kit.ids import uuid7
from appliance.kit.rows import take_away
from appliance.knowledge.errors import BatchEnded, BatchNotFound
from appliance.knowledge.pace import WINDOW, Pace, pace
from appliance.knowledge.repository import Collections, read_by
from appliance.knowledge.tables import BatchRow, DocumentRow

DONE: Final = ("ready", "failed", "deleting")
_MOST_GONE: Final = 1000


@dataclass(frozen=True, slots=True)
class Batch:
    """How far it is. ``total``: as announced, or as many as came; ``unchanged`` had nothing to be read.

    ``states`` counts the batch's documents. ``pace`` is None before enough have ended and when nothing is left.
    """

    id: UUID
    kind: str
    collection: UUID
    total: int
    left: int
    unchanged: int
    states: Mapping[str, int]
    pace: Pace | None
    created_at: datetime
    ended_at: datetime | None


class Batches:
    """Of one person's tenant."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        everybodys = allowed(principal, Action.READ_ALL_JOBS)
        self._seen = true() if everybodys else BatchRow.begun_by == principal.user

    def begin(self, collection: UUID, kind: str, announced: int | None = None, *, ended: bool = False) -> UUID:
        """A new one; one that has ``ended`` takes nothing more from outside. Raises CollectionNotFound."""
        who = self._principal
        Collections(self._session, who.tenant, who.readers).one(collection)
        batch = uuid7()
        values = {"id": batch, "tenant_id": who.tenant, "collection_id": collection, "kind": kind}
        self._session.execute(
            insert(BatchRow).values(
                **values, begun_by=who.user, announced=announced, ended_at=func.now() if ended else None
            )
        )
        Audit(self._session, who.tenant, who.user).record("batch.begin", batch, kind=kind, collection=collection)
        return batch

    def open(self, batch: UUID, collection: UUID) -> None:
        """See that an upload may name it. Raises BatchNotFound, BatchEnded."""
        row = self._row(batch)
        if row.begun_by != self._principal.user or row.collection_id != collection:
            raise BatchNotFound.about(batch)
        if row.ended_at is not None:
            raise BatchEnded

    def passed(self, batch: UUID) -> None:
        """Note that one of its files had nothing to be read."""
        more = update(BatchRow).where(BatchRow.id == batch).values(unchanged=BatchRow.unchanged + 1)
        self._session.execute(more)

    def end(self, batch: UUID) -> Batch:
        """Nothing more comes: what is left are its documents that are not done. Raises BatchNotFound."""
        row = self._row(batch)
        if row.ended_at is None:
            row.ended_at = self._now()
            self._session.flush()
            Audit(self._session, self._principal.tenant, self._principal.user).record("batch.end", batch)
        return self._told(row)

    def one(self, batch: UUID) -> Batch:
        """Raises BatchNotFound."""
        return self._told(self._row(batch))

    def page(self, cursor: str | None, limit: int) -> paging.Page[Batch]:
        """Newest first."""
        query = select(BatchRow).where(self._seen).order_by(BatchRow.id.desc()).limit(limit + 1)
        after = paging.decode(cursor)
        if after is not None:
            query = query.where(BatchRow.id < after)
        rows = self._session.execute(query).scalars().all()
        page = paging.page(rows, limit, [row.id for row in rows])
        return paging.Page(tuple(self._told(row) for row in page.items), page.next_cursor)

    def _row(self, batch: UUID) -> BatchRow:
        found = select(BatchRow).where(BatchRow.id == batch, self._seen).execution_options(populate_existing=True)
        row = self._session.execute(found).scalar_one_or_none()
        if row is None:
            raise BatchNotFound.about(batch)
        return row

    def _told(self, row: BatchRow) -> Batch:
        mine = (DocumentRow.batch_id == row.id, read_by(DocumentRow.readers, self._principal.readers))
        counted = select(DocumentRow.state, func.count()).where(*mine).group_by(DocumentRow.state)
        states = {state: count for state, count in self._session.execute(counted)}  # noqa: C416 - rows are no pairs
        came = sum(states.values())
        total = max(came + row.unchanged, row.announced or 0) if row.ended_at is None else came + row.unchanged
        left = total - row.unchanged - sum(states.get(state, 0) for state in DONE)
        return Batch(
            id=row.id,
            kind=row.kind,
            collection=row.collection_id,
            total=total,
            left=left,
            unchanged=row.unchanged,
            states=states,
            pace=pace(self._ended(row), self._now(), left) if left else None,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )

    def _ended(self, row: BatchRow) -> list[datetime]:
        """When its newest documents were done: the moment of the last state, as the database wrote it down."""
        at = cast(DocumentRow.history[-1]["at"].astext, DateTime(timezone=True))
        query = select(at).where(DocumentRow.batch_id == row.id, DocumentRow.state.in_(DONE))
        return list(self._session.execute(query.order_by(at.desc()).limit(WINDOW + 1)).scalars())

    def _now(self) -> datetime:
        now: datetime = self._session.execute(select(func.clock_timestamp())).scalar_one()
        return now


def close(session: Session, batch: UUID) -> None:
    """The job that fills it has told all."""
    ended = update(BatchRow).where(BatchRow.id == batch, BatchRow.ended_at.is_(None))
    session.execute(ended.values(ended_at=func.clock_timestamp()))


def forget(session: Session, after: timedelta) -> int:
    """A chore: delete batches of long ago; their documents do not mind."""
    return take_away(session, BatchRow.id, BatchRow.created_at < func.clock_timestamp() - after, _MOST_GONE)
