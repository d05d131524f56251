"""What goes over the wire about questions, answers and conversations."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.chat.answer import Citation, Sentence
from appliance.chat.service import Conversation, Message
from appliance.knowledge.originals import link
from appliance.knowledge.schemas import BoxView

WITHOUT_NUL = r"^[^\x00]*$"
"""PostgreSQL cannot store NUL."""

Question = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=WITHOUT_NUL)]
Collections = Annotated[list[Name], Field(min_length=1, max_length=50)]
Wanted = Literal["auto", "quoted"]


class MessageBody(BaseModel):
    """A question in a conversation. ``quoted``: word for word from the documents, no model is asked."""

    model_config = ConfigDict(extra="forbid")

    question: Question
    collections: Collections | None = None
    mode: Wanted = "auto"


class AskBody(MessageBody):
    """A question; without a conversation it begins a new one."""

    conversation: UUID | None = None


class ConversationBody(BaseModel):
    """A new conversation."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(max_length=200, pattern=WITHOUT_NUL)] = ""


class CitationView(BaseModel):
    """Where a sentence stands: ``quote`` is the revision's text from ``start`` to ``end``, null once it is deleted.

    ``confidence``: where it was read from a picture, of its least sure line, from 0 to 1; below .8 compare it.
    ``boxes``: where the lines that it quotes stand on the page, where the format has pages and it is known.
    ``original``: where the file that is cited is fetched, of a PDF at the page; null with the quote.
    """

    number: int
    document_id: UUID
    document: str
    revision_id: UUID
    chunk_id: UUID
    page: int | None
    line: int
    headings: list[str]
    start: int
    end: int
    quote: str | None
    confidence: float | None
    boxes: list[BoxView]
    original: str | None

    @classmethod
    def of(cls, citation: Citation) -> "CitationView":
        """The same over the wire."""
        at = citation.document_id, citation.revision_id, citation.document, citation.page
        return cls(**asdict(citation), original=None if citation.quote is None else link(*at))


class SentenceView(BaseModel):
    """A sentence of the answer, and the numbers of the citations that support it.

    ``contradicted_by``: the numbers of the citations that give another value for the same thing.
    """

    text: str
    supported: bool
    citations: list[int]
    contradicted_by: list[int] = []

    @classmethod
    def of(cls, sentence: Sentence) -> "SentenceView":
        """The same over the wire."""
        return cls(**asdict(sentence))


class AnswerView(BaseModel):
    """A whole answer."""

    conversation: UUID
    message: UUID
    answer: str
    mode: Literal["composed", "quoted", "none"]
    language: str
    sentences: list[SentenceView]
    citations: list[CitationView]
    provenance: dict[str, Any]
    timings: dict[str, float]


class ConversationView(BaseModel):
    """A conversation."""

    id: UUID
    title: str
    created_at: datetime

    @classmethod
    def of(cls, conversation: Conversation) -> "ConversationView":
        """The same over the wire."""
        return cls(**asdict(conversation))


class ConversationList(BaseModel):
    """A page of conversations, newest first."""

    items: list[ConversationView]
    next_cursor: str | None


class MessageView(BaseModel):
    """A question or an answer."""

    id: UUID
    role: Literal["user", "assistant"]
    state: Literal["pending", "done", "interrupted", "failed"]
    mode: Literal["composed", "quoted", "none"] | None
    language: str | None
    content: str
    sentences: list[SentenceView]
    citations: list[CitationView]
    provenance: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        """The same over the wire."""
        cited = [CitationView.of(one) for one in message.citations]
        return cls(**{**asdict(message), "citations": cited})


class MessageList(BaseModel):
    """A page of messages, oldest first."""

    items: list[MessageView]
    next_cursor: str | None
