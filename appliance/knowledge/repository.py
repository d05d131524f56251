"""Questions to the tables of collections and documents. One tenant's session; row-level security does the scoping."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Row,
    Select,
    cast,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from appliance.access.principal import TenantId
from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.knowledge import confidence
from appliance.knowledge.documents import Collection, CollectionId, Document, DocumentId, NormalText
from appliance.knowledge.errors import CollectionNotFound, DocumentNotFound, NoText
from appliance.knowledge.tables import ChunkRow, CollectionRow, DocumentRow, RevisionRow


class Collections:
    """The collections of one tenant; ``readers`` limits them to what a caller may see (None: all).

    Seen is what the caller may read, or holds a document that the caller may read; counted are only those documents.
    """

    def __init__(self, session: Session, tenant: TenantId, readers: frozenset[str] | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self._readers = readers

    def insert(self, name: str, key: UUID | None = None) -> CollectionId | None:
        """The new collection's id, ``key`` where that is given; None when the name is taken."""
        statement = (
            upsert(CollectionRow)
            .values(id=key or uuid7(), tenant_id=self._tenant, name=name)
            .on_conflict_do_nothing()
            .returning(CollectionRow.id)
        )
        found = self._session.execute(statement).scalar_one_or_none()
        return None if found is None else CollectionId(found)

    def one(self, collection: UUID) -> Collection:
        """Raises CollectionNotFound."""
        found = self._read(select(CollectionRow).where(CollectionRow.id == collection, self._seen()))
        if not found:
            raise CollectionNotFound.about(collection)
        return found[0]

    def check(self, collection: UUID) -> None:
        """As ``one``, without counting its documents, which takes the longer the more there are."""
        query = select(CollectionRow.id).where(CollectionRow.id == collection, self._seen())
        if self._session.execute(query).scalar_one_or_none() is None:
            raise CollectionNotFound.about(collection)

    def page(self, limit: int, after: UUID | None, name: str | None) -> list[Collection]:
        """In the order in which they were made."""
        query = select(CollectionRow).where(self._seen()).order_by(CollectionRow.id).limit(limit)
        if after is not None:
            query = query.where(CollectionRow.id > after)
        if name is not None:
            query = query.where(CollectionRow.name == name)
        return self._read(query)

    def delete(self, collection: UUID) -> bool:
        """Remove a collection that holds no document; False when it still holds one."""
        empty = ~exists().where(DocumentRow.collection_id == collection)
        statement = delete(CollectionRow).where(CollectionRow.id == collection, empty).returning(CollectionRow.id)
        gone = self._session.execute(statement).scalar_one_or_none() is not None
        return gone or not self._session.execute(select(exists().where(CollectionRow.id == collection))).scalar_one()

    def _seen(self) -> ColumnElement[bool]:
        return true() if self._readers is None else seen(cast(sorted(self._readers), ARRAY(TEXT)))

    def _read(self, query: Select[CollectionRow]) -> list[Collection]:
        rows = self._session.execute(query).scalars().all()
        counts: dict[UUID, dict[str, int]] = {row.id: {} for row in rows}
        states = (
            select(DocumentRow.collection_id, DocumentRow.state, func.count())
            .where(DocumentRow.collection_id.in_(counts), read_by(DocumentRow.readers, self._readers))
            .group_by(DocumentRow.collection_id, DocumentRow.state)
        )
        for collection, state, count in self._session.execute(states):
            counts[collection][state] = count
        return [Collection(CollectionId(row.id), row.name, row.created_at, counts[row.id]) for row in rows]


class Documents:
    """The documents of one tenant; ``readers`` limits them to what a caller may read (None: all, for jobs)."""

    def __init__(self, session: Session, tenant: TenantId, readers: frozenset[str] | None = None) -> None:
        self._session = session
        self._tenant = tenant
        self._readers = readers

    def insert(self, collection: UUID, name: str, batch: UUID | None) -> bool:
        """A row for this name, unless there is one, with the collection's readers: they do not change meanwhile."""
        inherited = select(CollectionRow.readers).where(CollectionRow.id == collection).with_for_update(read=True)
        readers = self._session.execute(inherited).scalar_one()
        values = {"id": uuid7(), "tenant_id": self._tenant, "collection_id": collection, "name": name}
        known = {"readers": readers, "projected_readers": readers, "batch_id": batch}
        made = upsert(DocumentRow).values(**values, **known).on_conflict_do_nothing().returning(DocumentRow.id)
        return self._session.execute(made).scalar_one_or_none() is not None

    def named(self, collection: UUID, name: str) -> DocumentRow:
        """The row of this name, locked."""
        query = select(DocumentRow).where(DocumentRow.collection_id == collection, DocumentRow.name == name)
        return self._session.execute(query.with_for_update()).scalar_one()

    def lock(self, document: UUID) -> DocumentRow | None:
        """The row, locked; None when there is none."""
        query = select(DocumentRow).where(DocumentRow.id == document, read_by(DocumentRow.readers, self._readers))
        return self._session.execute(query.with_for_update()).scalar_one_or_none()

    def one(self, document: UUID) -> Document:
        """Raises DocumentNotFound."""
        row = self._session.execute(self._shown().where(DocumentRow.id == document)).one_or_none()
        if row is None:
            raise DocumentNotFound.about(document)
        return _document(row)

    def page(self, limit: int, after: UUID | None, collection: UUID | None, state: str | None) -> list[Document]:
        """In the order in which they were first uploaded."""
        query = self._shown().order_by(DocumentRow.id).limit(limit)
        if after is not None:
            query = query.where(DocumentRow.id > after)
        if collection is not None:
            query = query.where(DocumentRow.collection_id == collection)
        if state is not None:
            query = query.where(DocumentRow.state == state)
        return [_document(row) for row in self._session.execute(query)]

    def text(self, document: UUID) -> NormalText:
        """Of the revision that is served. Raises DocumentNotFound, NoText when none is served yet."""
        query = (
            select(DocumentRow.name, RevisionRow.id, RevisionRow.title, RevisionRow.text, RevisionRow.recognised)
            .join(RevisionRow, RevisionRow.id == DocumentRow.current_revision, isouter=True)
            .where(DocumentRow.id == document, DocumentRow.state != "deleting")
            .where(read_by(DocumentRow.readers, self._readers))
        )
        row = self._session.execute(query).one_or_none()
        if row is None:
            raise DocumentNotFound.about(document)
        if row.text is None:
            raise NoText.about(row.name)
        return NormalText(row.id, row.title or row.name, row.text, confidence.lines(row.recognised))

    def set(self, document: UUID, **values: object) -> None:
        """Change columns of a document."""
        statement = update(DocumentRow).where(DocumentRow.id == document)
        self._session.execute(statement.values(updated_at=clock.now(), **values))

    def within(self, collection: UUID) -> list[UUID]:
        """The ids of a collection's documents, of all, in the order in which they are locked."""
        query = select(DocumentRow.id).where(DocumentRow.collection_id == collection).order_by(DocumentRow.id)
        return list(self._session.execute(query).scalars())

    def all_readable(self, collection: UUID) -> bool:
        """Whether the caller may read every document of a collection."""
        closed = not_(read_by(DocumentRow.readers, self._readers))
        others = exists().where(DocumentRow.collection_id == collection, closed)
        return not self._session.execute(select(others)).scalar_one()

    def any_held(self, collection: UUID) -> bool:
        """Whether a document of the collection is under a legal hold."""
        held = exists().where(DocumentRow.collection_id == collection, DocumentRow.held_at.is_not(None))
        return self._session.execute(select(held)).scalar_one()

    def failed(self, collection: UUID) -> list[UUID]:
        """The documents of a collection that failed and that the caller may read."""
        may = read_by(DocumentRow.readers, self._readers)
        failed = DocumentRow.collection_id == collection, DocumentRow.state == "failed", may
        query = select(DocumentRow.id).where(*failed).order_by(DocumentRow.id)
        return list(self._session.execute(query).scalars())

    def newest(self, document: UUID) -> RevisionRow | None:
        """The revision with the highest number."""
        query = select(RevisionRow).where(RevisionRow.document_id == document).order_by(RevisionRow.number.desc())
        return self._session.execute(query.limit(1)).scalar_one_or_none()

    def revise(
        self, document: UUID, number: int, sha256: str, size: int, reading: Mapping[str, object] | None = None
    ) -> UUID:
        """A new revision; its content is read later, as its collection says unless told."""
        where = select(DocumentRow.collection_id).where(DocumentRow.id == document).scalar_subquery()
        usual = select(CollectionRow.reading).where(CollectionRow.id == where).scalar_subquery()
        values = {"id": uuid7(), "tenant_id": self._tenant, "document_id": document, "number": number}
        how = usual if reading is None else reading
        made = insert(RevisionRow).values(**values, sha256=sha256, bytes=size, reading=how).returning(RevisionRow.id)
        return self._session.execute(made).scalar_one()

    def contents(self, document: UUID) -> list[str]:
        """The digests of a document's revisions."""
        query = select(RevisionRow.sha256).where(RevisionRow.document_id == document).distinct()
        return list(self._session.execute(query).scalars())

    def shared(self, sha256: str, document: UUID) -> bool:
        """Whether another document of the tenant has this content."""
        other = exists().where(RevisionRow.sha256 == sha256, RevisionRow.document_id != document)
        return self._session.execute(select(other)).scalar_one()

    def drop(self, document: UUID) -> None:
        """Remove the document and its revisions; its chunks must be gone."""
        self._session.execute(delete(RevisionRow).where(RevisionRow.document_id == document))
        self._session.execute(delete(DocumentRow).where(DocumentRow.id == document))

    def chunks(self, document: UUID) -> Sequence[Row[UUID, UUID, bytes]]:
        """(id, revision, term ids) of all its chunks, of every revision."""
        columns = select(ChunkRow.id, ChunkRow.revision_id, ChunkRow.term_ids)
        return self._session.execute(columns.where(ChunkRow.document_id == document)).all()

    def _shown(self) -> Select[DocumentRow, RevisionRow]:
        """A document with the revision that is served, or else its newest."""
        other = aliased(RevisionRow)
        newest = (
            select(other.id)
            .where(other.document_id == DocumentRow.id)
            .order_by(other.number.desc())
            .limit(1)
            .scalar_subquery()
        )
        return (
            select(DocumentRow, RevisionRow)
            .join(RevisionRow, RevisionRow.id == func.coalesce(DocumentRow.current_revision, newest))
            .where(read_by(DocumentRow.readers, self._readers))
        )


def read_by(column: InstrumentedAttribute[list[str]], readers: frozenset[str] | None) -> ColumnElement[bool]:
    """Whether an access list names one of the readers; always for None, which is a job."""
    return true() if readers is None else names_one(column, cast(sorted(readers), ARRAY(TEXT)))


def names_one(column: InstrumentedAttribute[list[str]], entries: ColumnElement[Any]) -> ColumnElement[bool]:
    """The rule: one of an access list's entries is one of the principal's."""
    return column.op("&&", return_type=Boolean())(entries)


def seen(entries: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a principal of these entries sees a collection: may read it, or a document in it."""
    inside = exists().where(
        DocumentRow.collection_id == CollectionRow.id,
        DocumentRow.state != "deleting",
        names_one(DocumentRow.readers, entries),
    )
    return or_(names_one(CollectionRow.readers, entries), inside)


def _document(row: Row[DocumentRow, RevisionRow]) -> Document:
    document, revision = row
    return Document(
        id=DocumentId(document.id),
        collection=CollectionId(document.collection_id),
        name=document.name,
        state=document.state,
        reason_code=document.reason_code,
        reason=document.reason,
        revision=revision.id,
        sha256=revision.sha256,
        bytes=revision.bytes,
        media_type=revision.media_type,
        title=revision.title,
        language=revision.language,
        pages=revision.pages,
        chunks=revision.chunk_count,
        recognised_lines=revision.recognised_lines,
        doubtful_lines=revision.doubtful_lines,
        tags=tuple(document.tags),
        created_at=document.created_at,
        updated_at=document.updated_at,
    )
