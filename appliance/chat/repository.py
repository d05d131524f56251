"""Rows of conversations, messages and citations. Row-level security keeps the tenant; the user is asked for here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from appliance.chat.tables import CitationRow, ConversationRow, MessageRow


def conversation(session: Session, user: UUID, key: UUID) -> ConversationRow | None:
    """One person's conversation."""
    found = select(ConversationRow).where(ConversationRow.id == key, ConversationRow.user_id == user)
    return session.scalars(found).one_or_none()


def conversations(session: Session, user: UUID, before: UUID | None, limit: int) -> Sequence[ConversationRow]:
    """One person's conversations, newest first."""
    found = select(ConversationRow).where(ConversationRow.user_id == user)
    if before is not None:
        found = found.where(ConversationRow.id < before)
    return session.scalars(found.order_by(ConversationRow.id.desc()).limit(limit)).all()


def messages(session: Session, key: UUID, after: UUID | None, limit: int) -> Sequence[MessageRow]:
    """A conversation's messages, oldest first."""
    found = select(MessageRow).where(MessageRow.conversation_id == key)
    if after is not None:
        found = found.where(MessageRow.id > after)
    return session.scalars(found.order_by(MessageRow.id).limit(limit)).all()


def citations(session: Session, keys: Sequence[UUID]) -> Sequence[CitationRow]:
    """The citations of these messages, in the order of their numbers."""
    return session.scalars(select(CitationRow).where(CitationRow.message_id.in_(keys)).order_by(CitationRow.id)).all()


def questions(session: Session, key: UUID, limit: int) -> list[str]:
    """The last questions of a conversation, oldest first."""
    found = select(MessageRow.content).where(MessageRow.conversation_id == key, MessageRow.role == "user")
    return list(session.scalars(found.order_by(MessageRow.id.desc()).limit(limit)))[::-1]


def settle(session: Session, key: UUID, values: dict[str, Any]) -> bool:
    """End a pending message; False when it is not pending any more."""
    done = update(MessageRow).where(MessageRow.id == key, MessageRow.state == "pending").values(**values)
    return session.execute(done.returning(MessageRow.id)).one_or_none() is not None


def remove(session: Session, user: UUID, key: UUID) -> bool:
    """Delete a conversation with all its messages; False when it is not this person's."""
    gone = delete(ConversationRow).where(ConversationRow.id == key, ConversationRow.user_id == user)
    return session.execute(gone.returning(ConversationRow.id)).one_or_none() is not None


def interrupt(session: Session, before: datetime, now: datetime) -> int:
    """Close messages pending since ``before``; how many there were."""
    orphans = update(MessageRow).where(MessageRow.state == "pending", MessageRow.created_at < before)
    closed = session.execute(orphans.values(state="interrupted", finished_at=now).returning(MessageRow.id))
    return len(closed.all())


def forget(session: Session, tenant: UUID, document: UUID) -> None:
    """Empty every quote of a document, and the answers that lean on it: they say what it said."""
    of_it = (CitationRow.tenant_id == tenant, CitationRow.document_id == document)
    leaning = select(CitationRow.message_id).where(*of_it)
    session.execute(update(MessageRow).where(MessageRow.id.in_(leaning)).values(content="", sentences=[]))
    session.execute(update(CitationRow).where(*of_it).values(quote=None, boxes=[]))
