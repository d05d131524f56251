"""Conversations, their messages, and where each sentence of an answer stands."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from appliance.kit.columns import Created, Id, Json, Moment, Tenant
from appliance.kit.database import Base


class ConversationRow(Base):
    """One person's thread of questions and answers."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "user_id", "id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    user_id: Mapped[UUID]
    title: Mapped[str]
    created_at: Mapped[Created]


class MessageRow(Base):
    """A question, or an answer with its mode and provenance.

    ``sentences``: objects of ``text``, ``supported``, ``citations`` and ``contradicted_by``; those count the citations'
    rows from 1.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(
            ["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"], ondelete="CASCADE"
        ),
        CheckConstraint("role in ('user', 'assistant')", name="role"),
        CheckConstraint("state in ('pending', 'done', 'interrupted', 'failed')", name="state"),
        CheckConstraint("mode in ('composed', 'quoted', 'none')", name="mode"),
        Index(None, "tenant_id", "conversation_id", "id"),
        Index("ix_messages_pending", "created_at", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    conversation_id: Mapped[UUID]
    role: Mapped[str]
    state: Mapped[str]
    mode: Mapped[str | None]
    language: Mapped[str | None]
    content: Mapped[str]
    sentences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    provenance: Mapped[Json]
    created_at: Mapped[Created]
    finished_at: Mapped[Moment | None]


class CitationRow(Base):
    """A sentence of an answer and the span that supports it. Forgetting the document empties ``quote`` and ``boxes``.

    ``boxes``: objects of ``page``, ``x0``, ``y0``, ``x1`` and ``y1``.
    """

    __tablename__ = "citations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "message_id"], ["messages.tenant_id", "messages.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "message_id"),
        Index(None, "tenant_id", "document_id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Tenant]
    message_id: Mapped[UUID]
    sentence: Mapped[int]
    document_id: Mapped[UUID]
    document_name: Mapped[str]
    revision_id: Mapped[UUID]
    chunk_id: Mapped[UUID]
    start: Mapped[int]
    end: Mapped[int]
    page: Mapped[int | None]
    line: Mapped[int]
    headings: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    quote: Mapped[str | None]
    confidence: Mapped[float | None]
    boxes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
