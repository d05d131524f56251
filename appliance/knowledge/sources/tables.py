"""Sources, what each was seen to hold, and the log of what became of it."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base

KINDS = ("folder", "push", "s3", "web", "webdav", "imap")
STATES = ("active", "paused", "removing")
ITEM_STATES = ("taken", "skipped", "waiting", "failed", "held", "gone", "forgotten")
ACTS = ("taken", "updated", "shared", "skipped", "waiting", "failed", "deleted", "held")


class SourceRow(Base):
    """A place from which a collection is filled. ``secret`` is sealed (``kit.crypto.Seal``).

    ``readers``: the list of its documents, null for the collection's. ``touched_at``: when a watch last saw a change.
    """

    __tablename__ = "sources"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "name"),
        ForeignKeyConstraint(
            ["tenant_id", "collection_id"], ["collections.tenant_id", "collections.id"], ondelete="CASCADE"
        ),
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint(f"state in {STATES!r}", name="state"),
        Index("ix_sources_due_at", "due_at", postgresql_where=text("due_at is not null")),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    collection_id: Mapped[UUID]
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    settings: Mapped[Json]
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    readers: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    every_minutes: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_by: Mapped[UUID]
    created_at: Mapped[Created]
    changed_at: Mapped[Moment] = mapped_column(server_default=text("now()"))
    due_at: Mapped[Moment | None]
    touched_at: Mapped[Moment | None]
    synced_at: Mapped[Moment | None]
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]


class SourceItemRow(Base):
    """One thing that a source holds. ``key`` is the SHA-256 of what the source knows it by.

    Of what was forgotten the key alone is left, so that the next sync does not bring it back. ``readers`` is the list
    that was last given to the document, null for the collection's: what a person changed since is left alone.
    """

    __tablename__ = "source_items"
    __table_args__ = (
        UniqueConstraint("source_id", "key"),
        ForeignKeyConstraint(["tenant_id", "source_id"], ["sources.tenant_id", "sources.id"], ondelete="CASCADE"),
        CheckConstraint(f"state in {ITEM_STATES!r}", name="state"),
        Index(None, "tenant_id", "document_id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    source_id: Mapped[UUID]
    key: Mapped[bytes] = mapped_column(LargeBinary)
    external: Mapped[str | None]
    token: Mapped[str | None]
    sha256: Mapped[str | None]
    document_id: Mapped[UUID | None]
    readers: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    state: Mapped[str]
    reason_code: Mapped[str | None]
    created_at: Mapped[Created]
    changed_at: Mapped[Moment] = mapped_column(server_default=text("now()"))


class SourceLogRow(Base):
    """What became of one thing in a run; ``dry``: what would have. ``name`` goes when the document is forgotten."""

    __tablename__ = "source_log"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "source_id"], ["sources.tenant_id", "sources.id"], ondelete="CASCADE"),
        CheckConstraint(f"act in {ACTS!r}", name="act"),
        Index(None, "tenant_id", "source_id", "id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant] = mapped_column(ForeignKey("tenants.id"))
    source_id: Mapped[UUID]
    job_id: Mapped[UUID | None]
    dry: Mapped[bool] = mapped_column(server_default=text("false"))
    key: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str | None]
    document_id: Mapped[UUID | None]
    act: Mapped[str]
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[Created]
