"""Documents read again with other settings: a new revision of the same bytes, read as any other.

The revision that is served stays until the index holds the new one, and for good where that cannot be read. Many are
read again by the job ``knowledge.reread``, some hundred in a transaction; whoever is killed is followed by one who
passes over those that are of the batch already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session, aliased

from appliance.access.principal import Principal, TenantId
from appliance.audit.service import Audit
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.knowledge.batches import Batches, close
from appliance.knowledge.documents import INGEST
from appliance.knowledge.errors import DocumentBusy, DocumentNotFound
from appliance.knowledge.reading import Reading
from appliance.knowledge.repository import Collections, Documents, read_by
from appliance.knowledge.tables import CollectionRow, DocumentRow, RevisionRow

REREAD: Final = "knowledge.reread"
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Reread:
    """What was asked for: the batch, the job, and how many documents it is about."""

    batch: UUID
    job: UUID
    documents: int


class Rereading:
    """Of what one person may read."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._audit = Audit(session, principal.tenant, principal.user)

    def settings(self, collection: UUID) -> Reading:
        """How files of a collection are read. Raises CollectionNotFound."""
        self._seen(collection)
        stored = select(CollectionRow.reading).where(CollectionRow.id == collection)
        return Reading.of(self._session.execute(stored).scalar_one())

    def change(self, collection: UUID, reading: Reading) -> None:
        """From now on; what was read stays as it is until it is read again. Raises CollectionNotFound."""
        self._seen(collection)
        changed = update(CollectionRow).where(CollectionRow.id == collection).values(reading=reading.stored())
        self._session.execute(changed)
        self._audit.record("collection.reading", collection, **reading.stored())

    def document(self, document: UUID, reading: Reading | None) -> Reread:
        """Read one again, as its collection says or as told. Raises DocumentNotFound, DocumentBusy."""
        who = self._principal
        row = Documents(self._session, who.tenant, who.readers).lock(document)
        if row is None:
            raise DocumentNotFound.about(document)
        if row.state == "deleting":
            raise DocumentBusy.about(row.name)
        how = reading or self.settings(row.collection_id)
        batch = Batches(self._session, who).begin(row.collection_id, "reread", 1, ended=True)
        job = again(self._session, who.tenant, row, how, batch)
        self._audit.record("document.reread", document, **how.stored())
        return Reread(batch, job, 1)

    def collection(self, collection: UUID, reading: Reading | None, media_type: str | None = None) -> Reread:
        """Read all of a collection again that the caller may read, or one format of it. Raises CollectionNotFound."""
        self._seen(collection)
        who, how = self._principal, reading or self.settings(collection)
        readers = sorted(who.readers)
        wanted = _wanted(collection, who.readers, media_type).subquery()
        count = self._session.execute(select(func.count()).select_from(wanted)).scalar_one()
        batch = Batches(self._session, who).begin(collection, "reread", count)
        args = {"collection": str(collection), "batch": str(batch), "media_type": media_type, "readers": readers}
        job = Jobs(self._session, who.tenant).ask(REREAD, {**args, "reading": how.stored()}, f"reread:{batch}")
        self._audit.record(
            "collection.reread", collection, documents=count, media_type=media_type or "all", **how.stored()
        )
        return Reread(batch, job, count)

    def _seen(self, collection: UUID) -> None:
        Collections(self._session, self._principal.tenant, self._principal.readers).one(collection)


def run(job: Run) -> Mapping[str, Any]:
    """The job ``knowledge.reread``."""
    collection, batch = UUID(str(job.args["collection"])), UUID(str(job.args["batch"]))
    readers, reading = frozenset(job.args["readers"]), Reading.of(job.args["reading"])
    wanted = _wanted(collection, readers, job.args["media_type"])
    done = 0
    after: UUID | None = None
    while True:
        page = wanted if after is None else wanted.where(DocumentRow.id > after)
        with job.transaction() as session:
            found = session.execute(page.order_by(DocumentRow.id).limit(_AT_ONCE)).scalars().all()
            for document in found:
                row = Documents(session, job.tenant, readers).lock(document)
                if row is not None and row.state != "deleting" and row.batch_id != batch:
                    again(session, job.tenant, row, reading, batch)
            if not found:
                close(session, batch)
        if not found:
            return {"documents": done}
        done, after = done + len(found), found[-1]
        job.progress(done, None, "asking")


def again(session: Session, tenant: TenantId, row: DocumentRow, reading: Reading, batch: UUID) -> UUID:
    """A new revision of the newest bytes of a document that is locked, and the job that reads it."""
    documents = Documents(session, tenant)
    newest = documents.newest(row.id)
    if newest is None:
        raise DocumentNotFound.about(row.id)
    revision = documents.revise(row.id, newest.number + 1, newest.sha256, newest.bytes, reading.stored())
    documents.set(row.id, state="queued", reason_code=None, reason=None, batch_id=batch)
    args = {"document": str(row.id), "revision": str(revision)}
    return Jobs(session, tenant).ask(INGEST, args, f"ingest:{revision}")


def _wanted(collection: UUID, readers: frozenset[str], media_type: str | None) -> Select[UUID]:
    query = select(DocumentRow.id).where(
        DocumentRow.collection_id == collection,
        DocumentRow.state != "deleting",
        read_by(DocumentRow.readers, readers),
    )
    if media_type is None:
        return query
    known = aliased(RevisionRow)
    return query.where(
        select(known.media_type)
        .where(known.document_id == DocumentRow.id, known.media_type.is_not(None))
        .order_by(known.number.desc())
        .limit(1)
        .scalar_subquery()
        == media_type
    )
