"""Does the index hold exactly the chunks of PostgreSQL, with their readers? Counts and digests per tenant, then ids.

A restored snapshot has the access lists of its day: each search is judged by PostgreSQL too, so nobody is shown what
is closed to them, but what was opened since would not be found.

Only an index that has applied the whole outbox can be compared: hold its projector still and give its position. Repairs
are outbox rows like any other change.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from appliance.drivers.vectors.port import NIL, Reader
from appliance.kit.database import Database
from appliance.knowledge import outbox
from appliance.knowledge.projection import newest
from appliance.knowledge.tables import ChunkRow, DocumentRow

PAGE = 1000
_HALF = (1 << 64) - 1
# One statement, so one snapshot. The exclusive or of each point's own digest does not ask for an order.
_DIGESTS = text(
    "select outbox.newest, tenants.* from (select coalesce(max(seq), 0) as newest from index_outbox) as outbox "
    "left join (select chunks.tenant_id, count(*) as chunks, bit_xor(('x' || "
    "substr(md5(cast(chunks.id as text) || ' ' || array_to_string(readers, ' ')), 1, 16))::bit(64)::bigint) as digest "
    "from chunks join documents on documents.id = chunks.document_id group by chunks.tenant_id) as tenants on true"
)


class Behind(Exception):
    """The index has rows of the outbox before it; compare when they are applied."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One tenant whose points are not its chunks."""

    tenant: UUID
    missing: tuple[UUID, ...]
    extra: tuple[UUID, ...]
    unlike: tuple[UUID, ...] = ()
    """Documents with points whose readers are not the document's."""


@dataclass(frozen=True, slots=True)
class Report:
    """``strays`` are points of tenants that PostgreSQL knows no chunk of: only a rebuild removes them."""

    chunks: int
    points: int
    strays: int
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """True when vectors equal chunks."""
        return not self.strays and not self.differences

    def summary(self) -> dict[str, object]:
        """For the wire and for ``doctor``."""
        return {
            "agrees": self.agrees,
            "chunks": self.chunks,
            "points": self.points,
            "missing": sum(len(each.missing) for each in self.differences),
            "extra": sum(len(each.extra) for each in self.differences),
            "strays": self.strays,
            "unlike": sum(len(each.unlike) for each in self.differences),
        }


class Reconciler:
    """Compares one index with the chunks, as the ``system`` login."""

    def __init__(self, database: Database, vectors: Reader) -> None:
        self._database = database
        self._vectors = vectors

    def compare(self, position: int) -> Report:
        """What differs; Behind when rows after ``position`` are waiting."""
        with self._database.session() as session:
            rows = session.execute(_DIGESTS).all()
            known = {row.tenant_id: (row.chunks, row.digest & _HALF) for row in rows if row.tenant_id}
            found = {tenant: self._digest(tenant) for tenant in known}
            suspects = [tenant for tenant in known if known[tenant] != found[tenant]]
            differences = tuple(self._difference(session, tenant) for tenant in suspects)
            if max(rows[0].newest, newest(session)) > position:
                raise Behind
        points = self._vectors.count()
        return Report(
            chunks=sum(count for count, _ in known.values()),
            points=points,
            strays=points - sum(count for count, _ in found.values()),
            differences=differences,
        )

    def repair(self, report: Report) -> int:
        """Write the outbox rows that mend the differences; how many."""
        changes = [change for each in report.differences for change in self._changes(each)]
        for start in range(0, len(changes), PAGE):
            with self._database.session() as session:
                outbox.append(session, changes[start : start + PAGE])
        return len(changes)

    def _digest(self, tenant: UUID) -> tuple[int, int]:
        count = digest = 0
        for page in _pages(self._vectors, tenant):
            count += len(page)
            for id_, readers in page:
                digest ^= _digest(id_, readers)
        return count, digest

    def _difference(self, session: Session, tenant: UUID) -> Difference:
        named = select(DocumentRow.id, DocumentRow.readers).where(DocumentRow.tenant_id == tenant)
        lists = {row.id: tuple(row.readers) for row in session.execute(named)}
        chunks = select(ChunkRow.id, ChunkRow.document_id).where(ChunkRow.tenant_id == tenant)
        missing = {row.id: row.document_id for row in session.execute(chunks)}
        extra, unlike = set[UUID](), set[UUID]()
        for page in _pages(self._vectors, tenant):
            for id_, readers in page:
                document = missing.pop(id_, None)
                if document is None:
                    extra.add(id_)
                elif lists[document] != readers:
                    unlike.add(document)
        return Difference(tenant, tuple(sorted(missing)), tuple(sorted(extra)), tuple(sorted(unlike)))

    def _changes(self, difference: Difference) -> Iterator[outbox.Change]:
        with self._database.session() as session:
            for start in range(0, len(difference.missing), PAGE):
                wanted = difference.missing[start : start + PAGE]
                query = select(ChunkRow.id, ChunkRow.document_id, ChunkRow.revision_id).where(ChunkRow.id.in_(wanted))
                for id_, document, revision in session.execute(query):
                    yield outbox.Change("upsert", difference.tenant, document, revision, id_)
        for id_ in difference.extra:  # whose they were is known no more
            yield outbox.Change("delete", difference.tenant, NIL, NIL, id_)
        for document in difference.unlike:
            yield outbox.Change("access", difference.tenant, document, NIL)


def _digest(id_: UUID, readers: tuple[str, ...]) -> int:
    told = f"{id_} {' '.join(readers)}".encode()
    return int.from_bytes(hashlib.md5(told, usedforsecurity=False).digest()[:8])


def _pages(vectors: Reader, tenant: UUID) -> Iterator[Sequence[tuple[UUID, tuple[str, ...]]]]:
    after: UUID | None = None
    while page := vectors.listed(tenant, after, PAGE):
        yield page
        after = page[-1][0]
