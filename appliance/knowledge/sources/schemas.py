"""Sources as the API tells them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from appliance.access.readers import Readers
from appliance.knowledge.sharing_schemas import ReadersBody
from appliance.knowledge.sources.errors import BadReaders
from appliance.knowledge.sources.pushing import Pushed
from appliance.knowledge.sources.service import Line, Source, Wanted
from appliance.knowledge.sources.settings import AnySettings

EXAMPLE: dict[str, JsonValue] = {
    "name": "share",
    "settings": {"kind": "folder", "path": "/srv/share/handbook"},
    "every_minutes": 60,
}
LogAct = Literal["taken", "updated", "shared", "skipped", "waiting", "failed", "deleted", "held"]


class SourceChangeBody(BaseModel):
    """How a source is to be; it replaces what it was, but for the secret when that is null."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    name: str = Field(min_length=1, max_length=255)
    settings: AnySettings
    secret: Annotated[str | None, Field(max_length=4000, description="Password or secret key; kept encrypted")] = None
    readers: Annotated[ReadersBody | None, Field(description="Of its documents; null: the collection's")] = None
    every_minutes: Annotated[int | None, Field(ge=1, le=10080, description="null: only when asked or watched")] = None
    paused: bool = False

    def wanted(self) -> Wanted:
        """What is meant."""
        readers = None if self.readers is None else self.readers.readers()
        return Wanted(self.name, self.settings, self.secret, readers, self.every_minutes, self.paused)


class SourceBody(SourceChangeBody):
    """A new source, and the collection that it fills."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {**EXAMPLE, "collection_id": "00000000-0000-7000-8000-000000000000"}},
    )

    collection_id: UUID


class SourceReadersView(BaseModel):
    """An access list by ids."""

    everyone: bool
    groups: list[UUID]
    users: list[UUID]

    @classmethod
    def of(cls, readers: Readers) -> Self:
        """The view of a list."""
        return cls(everyone=readers.everyone, groups=sorted(readers.groups), users=sorted(readers.users))


class SourceView(BaseModel):
    """A source, never its secret. ``reason``: why its last sync failed."""

    id: UUID
    collection_id: UUID
    name: str
    state: str
    settings: AnySettings
    has_secret: bool
    readers: SourceReadersView | None
    every_minutes: int | None
    version: int
    created_at: datetime
    changed_at: datetime
    due_at: datetime | None
    synced_at: datetime | None
    reason_code: str | None
    reason: str | None

    @classmethod
    def of(cls, source: Source) -> Self:
        """The view of a source."""
        return cls(
            id=source.id,
            collection_id=source.collection,
            name=source.name,
            state=source.state,
            settings=source.settings,
            has_secret=source.has_secret,
            readers=None if source.readers is None else SourceReadersView.of(source.readers),
            every_minutes=source.every_minutes,
            version=source.version,
            created_at=source.created_at,
            changed_at=source.changed_at,
            due_at=source.due_at,
            synced_at=source.synced_at,
            reason_code=source.reason_code,
            reason=source.reason,
        )


class SourceList(BaseModel):
    """A page of sources."""

    items: list[SourceView]
    next_cursor: str | None


class SourceLineView(BaseModel):
    """What became of one thing. ``name`` null: it was forgotten; ``dry``: it would have become of it."""

    id: UUID
    at: datetime
    name: str | None
    act: str
    document_id: UUID | None
    job_id: UUID | None
    dry: bool
    reason_code: str | None
    reason: str | None

    @classmethod
    def of(cls, line: Line) -> Self:
        """The view of a line."""
        values = asdict(line)
        return cls(**{**values, "document_id": values.pop("document"), "job_id": values.pop("job")})


class SourceLogView(BaseModel):
    """A page of a source's log, newest first."""

    items: list[SourceLineView]
    next_cursor: str | None


class SourceRunView(BaseModel):
    """The job that was asked for."""

    job: UUID


class SourceCheckView(BaseModel):
    """The source was reached; what was found there."""

    found: str


class PushedView(BaseModel):
    """What became of what was pushed; ``job`` reads it, null where nothing has to be read."""

    document_id: UUID
    job: UUID | None
    act: Literal["taken", "updated", "unchanged"]

    @classmethod
    def of(cls, pushed: Pushed) -> Self:
        """The view of it."""
        return cls.model_validate({"document_id": pushed.document, "job": pushed.job, "act": pushed.act.value})


class GoneView(BaseModel):
    """What became of what is gone: ``deleted``, or ``held`` by a legal hold."""

    act: Literal["deleted", "held"]


def readers_of(text: str) -> Readers:
    """The access list of a form's field. Raises BadReaders."""
    try:
        return ReadersBody.model_validate_json(text).readers()
    except ValidationError as error:
        raise BadReaders from error
