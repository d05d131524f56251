"""Collections, documents and their chunks: the system of record from which the index is projected."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base

DOCUMENT_STATES = ("queued", "parsing", "encoding", "indexing", "ready", "failed", "deleting")


class CollectionRow(Base):
    """A named set of documents; they inherit its ``readers``."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "name"))

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    readers: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{everyone}'"))
    reading: Mapped[Json]
    retention: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    retained_at: Mapped[Moment | None]
    created_at: Mapped[Created]


class RetentionRunRow(Base):
    """A run of the job that forgot documents by their collection's rule; its id is the job's."""

    __tablename__ = "retention_runs"
    __table_args__ = (Index(None, "tenant_id", "collection_id"),)

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    collection_id: Mapped[UUID]
    rule: Mapped[Json]
    tally: Mapped[Json]
    unfinished: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=sql("'{}'"))
    held: Mapped[int] = mapped_column(server_default=sql("0"))
    begun_at: Mapped[Created]
    ended_at: Mapped[Moment | None]
    certificate: Mapped[str | None]


class BatchRow(Base):
    """Documents that are taken in or read again as one act; ``announced``: how many its beginner means to send."""

    __tablename__ = "batches"
    __table_args__ = (Index(None, "tenant_id", "id"),)

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    collection_id: Mapped[UUID]
    kind: Mapped[str]
    begun_by: Mapped[UUID]
    announced: Mapped[int | None]
    unchanged: Mapped[int] = mapped_column(server_default=sql("0"))
    created_at: Mapped[Created]
    ended_at: Mapped[Moment | None]


class DocumentRow(Base):
    """A document by its name in a collection; what it says is in its revisions; ``batch_id`` had it read last.

    ``readers`` decides who may read: ``own_readers``, or the collection's where these are null. ``access_changed_at``:
    since when the index may believe otherwise; it then knew ``projected_readers``. ``history`` is a trigger's.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "collection_id", "name"),
        ForeignKeyConstraint(["tenant_id", "collection_id"], ["collections.tenant_id", "collections.id"]),
        CheckConstraint(f"state in {DOCUMENT_STATES!r}", name="state"),
        Index(None, "tenant_id", "state"),
        Index("ix_documents_batch", "tenant_id", "batch_id", postgresql_where=sql("batch_id is not null")),
        Index("ix_documents_access_changed", "tenant_id", postgresql_where=sql("access_changed_at is not null")),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    collection_id: Mapped[UUID]
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=sql("'queued'"))
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    readers: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{everyone}'"))
    own_readers: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    projected_readers: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{everyone}'"))
    access_changed_at: Mapped[Moment | None]
    history: Mapped[list[dict[str, str]]] = mapped_column(JSONB, server_default=sql("'[]'::jsonb"))
    held_at: Mapped[Moment | None]
    held_by: Mapped[UUID | None]
    hold_reason: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{}'"))
    current_revision: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class RevisionRow(Base):
    """One content of a document. ``text`` is the normal text that all offsets refer to.

    ``recognised``: of its lines that were read from pictures, as ``confidence`` stores them; null where none was.
    """

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("document_id", "number"),
        ForeignKeyConstraint(["tenant_id", "document_id"], ["documents.tenant_id", "documents.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "document_id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    document_id: Mapped[UUID]
    number: Mapped[int]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str | None]
    title: Mapped[str | None]
    language: Mapped[str | None]
    pages: Mapped[int | None]
    text: Mapped[str | None]
    chunk_count: Mapped[int | None]
    encoder: Mapped[str | None]
    reading: Mapped[Json]
    recognised: Mapped[list[list[Any]] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)
    recognised_lines: Mapped[int | None]
    doubtful_lines: Mapped[int | None]
    created_at: Mapped[Created]


class ChunkRow(Base):
    """A passage: ``revision.text[start:end] == text``. Its id is the point's id: UUIDv5 of (revision, ordinal).

    ``lead`` is what stands above it and is not in it: headings, the header row of its table. ``recognised``: as in its
    revision, of its own lines. ``placed``: where its lines stand on its page, as ``boxes`` stores them.

    ``embedding`` is little-endian float32 (d,); ``term_ids`` uint32 and ``term_weights`` float32 are parallel (n,).
    """

    __tablename__ = "chunks"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "revision_id"], ["revisions.tenant_id", "revisions.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "revision_id"),
        Index(None, "tenant_id", "document_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[Tenant]
    collection_id: Mapped[UUID]
    document_id: Mapped[UUID]
    revision_id: Mapped[UUID]
    ordinal: Mapped[int]
    text: Mapped[str]
    start: Mapped[int]
    end: Mapped[int]
    page: Mapped[int | None]
    line: Mapped[int]
    headings: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{}'"))
    lead: Mapped[str] = mapped_column(server_default=sql("''"))
    language: Mapped[str]
    tokens: Mapped[int]
    embedding: Mapped[bytes] = mapped_column(LargeBinary)
    term_ids: Mapped[bytes] = mapped_column(LargeBinary)
    term_weights: Mapped[bytes] = mapped_column(LargeBinary)
    recognised: Mapped[list[list[Any]] | None] = mapped_column(JSONB(none_as_null=True))
    placed: Mapped[list[list[int]] | None] = mapped_column(ARRAY(Integer, dimensions=2))


class TermStatisticsRow(Base):
    """In how many of a tenant's current chunks a term stands."""

    __tablename__ = "term_statistics"

    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    term: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chunks: Mapped[int] = mapped_column(BigInteger)


class CorpusStatisticsRow(Base):
    """How many current chunks a tenant has."""

    __tablename__ = "corpus_statistics"

    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    chunks: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))


class GlossaryTermRow(Base):
    """An entry of a tenant's glossary. ``forms``: all of it as terms see it, first its ``key``."""

    __tablename__ = "glossary_terms"
    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "key"))

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    term: Mapped[str]
    expansions: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    key: Mapped[str]
    forms: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    created_at: Mapped[Created]


class IndexOutboxRow(Base):
    """A change that the index must make. Rows are applied in order of ``seq``.

    Writers take ``pg_advisory_xact_lock`` before the first insert, so that the order of ``seq`` is the order of commits
    and a reader that saw row n will never find a smaller one later.
    """

    __tablename__ = "index_outbox"
    __table_args__ = (CheckConstraint("op in ('upsert', 'delete', 'flip', 'access')", name="op"),)

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    op: Mapped[str]
    document_id: Mapped[UUID]
    revision_id: Mapped[UUID]
    chunk_id: Mapped[UUID | None]
    created_at: Mapped[Created]


class IndexMarkRow(Base):
    """How far each living index has applied the outbox; rows up to the smallest mark may be pruned."""

    __tablename__ = "index_marks"

    shard: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    details: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=sql("'{}'::jsonb"))
    updated_at: Mapped[Created]
