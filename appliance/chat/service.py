"""Conversations of one person: begin an answer, keep it, show it, forget it. Works in the caller's transaction."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.access.principal import Principal, TenantId
from appliance.audit.service import Audit
from appliance.chat import repository
from appliance.chat.answer import Answer, Citation, Sentence
from appliance.chat.errors import ConversationNotFound, MessageSettled
from appliance.chat.tables import CitationRow, ConversationRow, MessageRow
from appliance.kit import clock, paging
from appliance.kit.ids import uuid7
from appliance.knowledge import passages
from appliance.knowledge.boxes import Box

TITLE: Final = 80
"""Characters of the first question that name a conversation."""
EARLIER: Final = 5
"""Questions that are looked back on."""
ORPHANED: Final = timedelta(minutes=10)
"""An answer pending for longer than any answer takes has lost the process that wrote it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread of questions and answers."""

    id: UUID
    title: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A question, or an answer with what it rests on. ``state``: pending, done, interrupted or failed."""

    id: UUID
    role: str
    state: str
    mode: str | None
    language: str | None
    content: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    provenance: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that was begun: where it will be kept."""

    conversation: UUID
    message: UUID


class Conversations:
    """One person's conversations."""

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._audit = Audit(session, principal.tenant, principal.user)

    def create(self, title: str = "") -> Conversation:
        """A new, empty conversation."""
        row = ConversationRow(
            id=uuid7(),
            tenant_id=self._principal.tenant,
            user_id=self._principal.user,
            title=title[:TITLE],
            created_at=clock.now(),
        )
        self._session.add(row)
        self._session.flush()
        self._audit.record("conversation.create", row.id)
        return _conversation(row)

    def one(self, key: UUID) -> Conversation:
        """Raises :class:`ConversationNotFound`, also for what is another person's."""
        return _conversation(self._row(key))

    def list(self, cursor: str | None, limit: int) -> paging.Page[Conversation]:
        """Newest first."""
        rows = repository.conversations(self._session, self._principal.user, paging.decode(cursor), limit + 1)
        return paging.page([_conversation(row) for row in rows], limit, [row.id for row in rows])

    def remove(self, key: UUID) -> None:
        """Delete it with its messages and citations. Raises :class:`ConversationNotFound`."""
        if not repository.remove(self._session, self._principal.user, key):
            raise ConversationNotFound
        self._audit.record("conversation.delete", key)

    def earlier(self, key: UUID | None) -> tuple[str, ...]:
        """The last questions of a conversation, oldest first; none where there is no conversation yet."""
        return tuple(repository.questions(self._session, self._row(key).id, EARLIER)) if key else ()

    def messages(self, key: UUID, cursor: str | None, limit: int) -> paging.Page[Message]:
        """Oldest first, with citations. Raises :class:`ConversationNotFound`.

        What leans on a document that its person may not read any more is empty, for as long as that is so.
        """
        rows = repository.messages(self._session, self._row(key).id, paging.decode(cursor), limit + 1)
        cited = repository.citations(self._session, [row.id for row in rows])
        closed = passages.closed(self._session, self._principal, {one.document_id for one in cited})
        self._audit.record("conversation.read", key, messages=len(rows))
        found = [_message(row, [one for one in cited if one.message_id == row.id], closed) for row in rows]
        return paging.page(found, limit, [row.id for row in rows])

    def begin(self, key: UUID | None, question: str, language: str) -> Pending:
        """Write the question and a pending answer; without ``key`` in a new conversation named by the question."""
        conversation = self.create(question).id if key is None else self._row(key).id
        now = clock.now()
        asked, pending = (
            MessageRow(
                id=uuid7(),
                tenant_id=self._principal.tenant,
                conversation_id=conversation,
                role=role,
                state=state,
                language=language,
                content=content,
                created_at=now,
                finished_at=now if state == "done" else None,
            )
            for role, state, content in (("user", "done", question), ("assistant", "pending", ""))
        )
        self._session.add_all((asked, pending))
        self._session.flush()
        self._audit.record("conversation.ask", conversation, answer=pending.id)
        return Pending(conversation, pending.id)

    def finish(self, pending: Pending, answer: Answer, provenance: dict[str, Any]) -> None:
        """Keep the answer with its citations. Raises :class:`MessageSettled` when it is not pending any more."""
        values = {
            "state": "done",
            "mode": answer.mode,
            "content": answer.text,
            "sentences": [asdict(sentence) for sentence in answer.sentences],
            "provenance": provenance,
            "finished_at": clock.now(),
        }
        if not repository.settle(self._session, pending.message, values):
            raise MessageSettled
        self._session.add_all(self._citation(pending, one, answer) for one in answer.citations)
        self._session.flush()

    def give_up(self, pending: Pending, state: str) -> None:
        """Close an answer that will not come: interrupted or failed. One that is settled is left as it is."""
        repository.settle(self._session, pending.message, {"state": state, "finished_at": clock.now()})

    def _citation(self, pending: Pending, citation: Citation, answer: Answer) -> CitationRow:
        citing = (index for index, one in enumerate(answer.sentences) if citation.number in one.citations)
        return CitationRow(
            id=uuid7(),
            tenant_id=self._principal.tenant,
            message_id=pending.message,
            sentence=next(citing),
            document_id=citation.document_id,
            document_name=citation.document,
            revision_id=citation.revision_id,
            chunk_id=citation.chunk_id,
            start=citation.start,
            end=citation.end,
            page=citation.page,
            line=citation.line,
            headings=list(citation.headings),
            quote=citation.quote,
            confidence=citation.confidence,
            boxes=[asdict(one) for one in citation.boxes],
        )

    def _row(self, key: UUID) -> ConversationRow:
        row = repository.conversation(self._session, self._principal.user, key)
        if row is None:
            raise ConversationNotFound
        return row


def close_orphans(session: Session) -> int:
    """Close answers whose process is gone, of all tenants (system login); how many there were."""
    now = clock.now()
    return repository.interrupt(session, now - ORPHANED, now)


def forget_document(session: Session, tenant: TenantId, document: UUID) -> None:
    """Empty what answers quote of a deleted document: knowledge's ``Forgetter``, called in its transaction."""
    repository.forget(session, tenant, document)


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(row.id, row.title, row.created_at)


def _message(row: MessageRow, cited: list[CitationRow], closed: frozenset[UUID]) -> Message:
    whole = all(one.document_id not in closed for one in cited)
    return Message(
        id=row.id,
        role=row.role,
        state=row.state,
        mode=row.mode,
        language=row.language,
        content=row.content if whole else "",
        sentences=tuple(
            Sentence(one["text"], one["supported"], tuple(one["citations"]), tuple(one.get("contradicted_by", ())))
            for one in row.sentences
            if whole
        ),
        citations=tuple(_shown(number, one, one.document_id not in closed) for number, one in enumerate(cited, 1)),
        provenance=row.provenance,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _shown(number: int, row: CitationRow, readable: bool) -> Citation:  # noqa: FBT001 - of one caller
    return Citation(
        number=number,
        document_id=row.document_id,
        document=row.document_name,
        revision_id=row.revision_id,
        chunk_id=row.chunk_id,
        page=row.page,
        line=row.line,
        headings=tuple(row.headings) if readable else (),
        start=row.start,
        end=row.end,
        quote=row.quote if readable else None,
        confidence=row.confidence if readable else None,
        boxes=tuple(Box(**one) for one in row.boxes if readable),
    )
