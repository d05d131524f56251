"""The outbox applied to the index: rows in order, at most a hundred points at a time, every row harmless to repeat.

A chunk's row is in PostgreSQL exactly when its point belongs into the index, once the rows written with it are applied.
So an ``upsert`` whose chunk is gone is passed over (its ``delete`` follows), and a whole index can be rebuilt from the
chunks without encoding anything again.

An index holds vectors of one encoder: those of two lie in different spaces, and their cosines mean nothing. A passage
that another one encoded is in it with its terms alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from appliance.drivers.vectors.port import NIL, Point, Sparse, VectorRefused, Vectors
from appliance.kit import log
from appliance.kit.database import Database
from appliance.knowledge import flipping
from appliance.knowledge.tables import ChunkRow, DocumentRow, IndexOutboxRow, RevisionRow

BATCH = 100

_logger = log.get(__name__)
_COLUMNS = (
    ChunkRow.id,
    ChunkRow.tenant_id,
    ChunkRow.collection_id,
    ChunkRow.document_id,
    ChunkRow.revision_id,
    ChunkRow.embedding,
    ChunkRow.term_ids,
    ChunkRow.term_weights,
    DocumentRow.readers,
    RevisionRow.encoder,
)
_READERS = select(DocumentRow.readers)
_IDS = select(ChunkRow.id)


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch did: the last row applied, and how many points it changed."""

    seq: int
    points: int = 0


class Projection:
    """Applies the outbox of a database to one index.

    ``encoder`` is the name with digest of the one whose vectors the index holds; None: of any. A revision that tells of
    none is taken as it is.
    """

    def __init__(self, database: Database, vectors: Vectors, encoder: str | None = None) -> None:
        self.database = database
        self.vectors = vectors
        self.encoder = encoder

    def apply(self, after: int, *, flips: bool, until: int | None = None) -> Step:
        """Apply the next rows behind ``after`` (none behind ``until``); the same ``seq`` when there are none.

        ``flips`` False leaves out the rows that make revisions current, and does not say that a change of access is
        known: an index that nobody searches yet must not tell the world what can be found.
        """
        with self.database.session() as session:
            rows = _rows(session, after, until)
            points = self._points(session, [row.chunk_id for row in rows if row.op == "upsert" and row.chunk_id])
        changed = 0
        for op, run in groupby(rows, key=_together):
            if op == "access":
                changed += sum(self._share(row, flips=flips) for row in run)
            elif op == "delete":
                changed += self._delete(list(run))
            else:
                changed += self._take(list(run), points, flips=flips)
        return Step(rows[-1].seq if rows else after, changed)

    def rebuild(self) -> Iterator[int]:
        """Upsert every chunk there is; gives the number done so far after each batch.

        What changes meanwhile has rows in the outbox, which are to be applied from their beginning afterwards.
        """
        done, after = 0, NIL
        while True:
            with self.database.session() as session:
                found = session.execute(_chunks().where(ChunkRow.id > after).order_by(ChunkRow.id).limit(BATCH)).all()
            if not found:
                return
            self._upsert(list(self._read(found)))
            done, after = done + len(found), found[-1].id
            yield done

    def _points(self, session: Session, chunks: Sequence[UUID]) -> dict[UUID, Point]:
        if not chunks:
            return {}
        return {point.id: point for point in self._read(session.execute(_chunks().where(ChunkRow.id.in_(chunks))))}

    def _read(self, rows: Iterable[Row[Any]]) -> Iterator[Point]:
        for row in rows:
            try:
                yield _point(
                    row, np.frombuffer(row.embedding, np.dtype("<f4")) if self._comparable(row.encoder) else None
                )
            except (VectorRefused, ValueError) as error:  # ValueError: bytes that are no whole number of floats
                _logger.error("chunk left out of the index", chunk=str(row.id), reason=str(error))  # noqa: TRY400 - the reason says it

    def _comparable(self, encoder: str | None) -> bool:
        return None in (self.encoder, encoder) or encoder == self.encoder

    def _take(self, rows: Sequence[IndexOutboxRow], points: dict[UUID, Point], *, flips: bool) -> int:
        """The points of several documents, then what makes those current: in this order each flip follows its own."""
        wanted = [row.chunk_id for row in rows if row.op == "upsert" and row.chunk_id]
        if wanted:
            self._upsert([points[chunk] for chunk in wanted if chunk in points])
        self._flip([row for row in rows if flips and row.op == "flip"])
        return len(wanted)

    def _delete(self, rows: Sequence[IndexOutboxRow]) -> int:
        for tenant, theirs in groupby(rows, key=lambda row: row.tenant_id):
            self.vectors.delete(tenant, [row.chunk_id for row in theirs if row.chunk_id])
        return sum(1 for row in rows if row.chunk_id)

    def _upsert(self, points: Sequence[Point]) -> None:
        try:
            self.vectors.upsert(points)
        except VectorRefused:
            for point in points:  # one that does not fit must not hold up the others
                self._upsert_one(point)

    def _upsert_one(self, point: Point) -> None:
        try:
            self.vectors.upsert([point])
        except VectorRefused as error:
            _logger.error("chunk left out of the index", chunk=str(point.id), reason=error.detail)  # noqa: TRY400 - the reason says it

    def _flip(self, rows: Sequence[IndexOutboxRow]) -> None:
        """Each in its own transaction: whoever writes locks one document before the statistics and the outbox."""
        for row in rows:
            with self.database.session() as session:
                flipping.flip(session, row.document_id, row.revision_id)

    def _share(self, row: IndexOutboxRow, *, flips: bool) -> int:
        """Give the document's points the readers that it has now; how many points."""
        with self.database.session() as session:
            readers = session.execute(_READERS.where(DocumentRow.id == row.document_id)).scalar_one_or_none()
            chunks = session.execute(_IDS.where(ChunkRow.document_id == row.document_id)).scalars().all()
        if readers is None:
            return 0
        self.vectors.share(row.tenant_id, chunks, readers)
        if flips:
            with self.database.session() as session:
                flipping.acknowledge(session, row.seq, row.document_id)
        return len(chunks)


def _together(row: IndexOutboxRow) -> str:
    return "take" if row.op in ("upsert", "flip") else row.op


def newest(session: Session) -> int:
    """The last row of the outbox; 0 when it is empty."""
    return session.execute(select(func.coalesce(func.max(IndexOutboxRow.seq), 0))).scalar_one()


def _rows(session: Session, after: int, until: int | None) -> Sequence[IndexOutboxRow]:
    query = select(IndexOutboxRow).where(IndexOutboxRow.seq > after)
    if until is not None:
        query = query.where(IndexOutboxRow.seq <= until)
    return session.execute(query.order_by(IndexOutboxRow.seq).limit(BATCH)).scalars().all()


def _chunks() -> Select[*tuple[Any, ...]]:
    return (
        select(*_COLUMNS)
        .join(DocumentRow, DocumentRow.id == ChunkRow.document_id)
        .join(RevisionRow, RevisionRow.id == ChunkRow.revision_id)
    )


def _point(row: Row[Any], dense: NDArray[np.float32] | None) -> Point:
    terms = np.frombuffer(row.term_ids, np.dtype("<u4"))
    weights = np.frombuffer(row.term_weights, np.dtype("<f4"))
    return Point(
        id=row.id,
        tenant=row.tenant_id,
        collection=row.collection_id,
        document=row.document_id,
        revision=row.revision_id,
        readers=tuple(row.readers),
        dense=dense,
        sparse=Sparse(terms, weights),
    )
