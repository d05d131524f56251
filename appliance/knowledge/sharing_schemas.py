"""Access lists as the API tells them."""

from dataclasses import asdict
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.access.readers import Readers
from appliance.knowledge.explaining import Explanation
from appliance.knowledge.lists import Listed
from appliance.knowledge.sharing import Access


class ReadersBody(BaseModel):
    """An access list: it replaces the one before. Without any entry nobody may read."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"everyone": True}})

    everyone: bool = False
    groups: list[UUID] = Field(default_factory=list, max_length=200)
    users: list[UUID] = Field(default_factory=list, max_length=200)

    def readers(self) -> Readers:
        """The list that is meant."""
        return Readers(self.everyone, frozenset(self.groups), frozenset(self.users))


class NamedView(BaseModel):
    """A group, or a user by login."""

    id: UUID
    name: str


class AccessView(BaseModel):
    """Who may read it. ``pending_since``: since when the index is behind; the list decides all the same."""

    name: str
    everyone: bool
    groups: list[NamedView]
    users: list[NamedView]
    inherited: bool
    pending_since: datetime | None

    @classmethod
    def of(cls, access: Access) -> Self:
        """The view of an access list."""
        return cls(
            name=access.name,
            everyone=access.readers.everyone,
            groups=[NamedView(**asdict(one)) for one in access.names.groups],
            users=[NamedView(**asdict(one)) for one in access.names.users],
            inherited=access.inherited,
            pending_since=access.pending_since,
        )


class ReasonView(BaseModel):
    """One rule; ``allows`` false alone keeps the text from the person."""

    code: str
    allows: bool
    told: str


class ExplanationView(BaseModel):
    """Why a person may or may not read a document or a passage: they may if every reason allows it."""

    document: str
    login: str
    may_read: bool
    reasons: list[ReasonView]
    pending_since: datetime | None

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """The view of an explanation."""
        return cls(
            document=explanation.document,
            login=explanation.login,
            may_read=explanation.may_read,
            reasons=[ReasonView(**asdict(one)) for one in explanation.reasons],
            pending_since=explanation.pending_since,
        )


class ListedView(BaseModel):
    """A document with the ids of those who may read it."""

    id: UUID
    name: str
    collection_id: UUID
    state: str
    everyone: bool
    groups: list[UUID]
    users: list[UUID]
    inherited: bool
    pending_since: datetime | None

    @classmethod
    def of(cls, listed: Listed) -> Self:
        """The view of a document's list."""
        readers = Readers.of(listed.readers)
        return cls(
            id=listed.document,
            name=listed.name,
            collection_id=listed.collection,
            state=listed.state,
            everyone=readers.everyone,
            groups=sorted(readers.groups),
            users=sorted(readers.users),
            inherited=not listed.own,
            pending_since=listed.pending_since,
        )


class ListedList(BaseModel):
    """A page of documents with their lists."""

    items: list[ListedView]
    next_cursor: str | None
