"""Documents, revisions, chunks and their outbox rows written straight into the tables, as an ingest writes them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from appliance.access.web import Databases
from appliance.kit.ids import uuid7
from appliance.knowledge import lists, outbox, statistics
from appliance.knowledge.tables import ChunkRow, CollectionRow, DocumentRow, RevisionRow
from tests.factories.points import Corpus


@dataclass
class Library:
    """One tenant's documents."""

    databases: Databases
    dimensions: int = 384
    vocabulary: NDArray[np.uint32] | None = None
    terms_a_chunk: int = 20
    passage: str = "x"
    tenant: UUID = field(default_factory=uuid7)
    collection: UUID = field(default_factory=uuid7)
    encoder: str | None = None

    def __post_init__(self) -> None:
        self.vectors = Corpus(
            self.dimensions, centres=30, terms=2_000, vocabulary=self.vocabulary, seed=self.tenant.int % 2**32
        )
        with self.databases.operator.session() as session:
            session.execute(
                text("insert into tenants (id, name) values (:id, :name) on conflict do nothing"),
                {"id": self.tenant, "name": str(self.tenant)},
            )
        with self.databases.app.session(self.tenant) as session:
            session.execute(
                insert(CollectionRow).values(id=self.collection, tenant_id=self.tenant, name=str(self.collection))
            )

    def ingest(self, chunks: int, document: UUID | None = None, number: int = 1) -> UUID:
        """A new revision of a (new) document: chunks, statistics and outbox rows in one transaction."""
        revision = uuid7()
        with self.databases.app.session(self.tenant) as session:
            if document is None:
                document = uuid7()
                values = {"id": document, "tenant_id": self.tenant, "collection_id": self.collection}
                session.execute(insert(DocumentRow).values(**values, name=str(document), state="indexing"))
            session.execute(
                insert(RevisionRow).values(
                    id=revision,
                    tenant_id=self.tenant,
                    document_id=document,
                    number=number,
                    sha256=hashlib.sha256(revision.bytes).hexdigest(),
                    bytes=1,
                    text="x" * chunks,
                    chunk_count=chunks,
                    encoder=self.encoder,
                )
            )
            rows = self._chunks(document, revision, chunks)
            if rows:
                session.execute(insert(ChunkRow), rows)
            terms = [np.frombuffer(row["term_ids"], np.dtype("<u4")) for row in rows]
            statistics.add(session, self.tenant, terms)
            self._append(session, document, revision, [row["id"] for row in rows])
        return document

    def share(self, document: UUID, readers: Sequence[str]) -> None:
        """Change who may read a document."""
        with self.databases.app.session(self.tenant) as session:
            lists.set_document(session, document, list(readers))

    def forget(self, document: UUID) -> None:
        """Delete a document's chunks, as the deletion of a document does."""
        with self.databases.app.session(self.tenant) as session:
            rows = session.execute(select(ChunkRow).where(ChunkRow.document_id == document)).scalars().all()
            gone = [outbox.Change("delete", self.tenant, document, row.revision_id, row.id) for row in rows]
            statistics.remove(session, self.tenant, [np.frombuffer(row.term_ids, np.dtype("<u4")) for row in rows])
            session.execute(delete(ChunkRow).where(ChunkRow.document_id == document))
            session.execute(delete(RevisionRow).where(RevisionRow.document_id == document))
            session.execute(delete(DocumentRow).where(DocumentRow.id == document))
            outbox.append(session, gone)

    def chunks(self) -> set[UUID]:
        """The ids of all chunks that there are."""
        with self.databases.app.session(self.tenant) as session:
            return set(session.execute(select(ChunkRow.id).where(ChunkRow.tenant_id == self.tenant)).scalars())

    def document(self, document: UUID) -> DocumentRow:
        """The document's row."""
        with self.databases.app.session(self.tenant) as session:
            return session.execute(select(DocumentRow).where(DocumentRow.id == document)).scalar_one()

    def _append(self, session: Session, document: UUID, revision: UUID, chunks: Sequence[UUID]) -> None:
        rows = [outbox.Change("upsert", self.tenant, document, revision, chunk) for chunk in chunks]
        outbox.append(session, [*rows, outbox.Change("flip", self.tenant, document, revision)])

    def _chunks(self, document: UUID, revision: UUID, count: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for ordinal, vector in enumerate(self.vectors.dense(count)):
            sparse = self.vectors.sparse(self.terms_a_chunk)
            rows.append(
                {
                    "id": uuid5(revision, str(ordinal)),
                    "tenant_id": self.tenant,
                    "collection_id": self.collection,
                    "document_id": document,
                    "revision_id": revision,
                    "ordinal": ordinal,
                    "text": self.passage,
                    "start": ordinal,
                    "end": ordinal + 1,
                    "line": 1,
                    "language": "en",
                    "tokens": 1,
                    "embedding": vector.tobytes(),
                    "term_ids": sparse.indices.tobytes(),
                    "term_weights": sparse.values.tobytes(),
                }
            )
        return rows
