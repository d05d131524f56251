"""Collections, documents and searches as the API tells them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.knowledge.documents import Added, Collection, Document, NormalText
from appliance.knowledge.parsing.formats import Format
from appliance.knowledge.passages import Passage
from appliance.knowledge.retrieval import Found


class FormatView(BaseModel):
    """A format that is read. ``suffixes`` as a browser's file dialogue takes them."""

    name: str
    media_type: str
    suffixes: list[str]
    kept: str


class FormatList(BaseModel):
    """All formats that are read."""

    items: list[FormatView]

    @classmethod
    def of(cls, formats: Iterable[Format]) -> Self:
        """The view of the one list."""
        return cls(items=[FormatView(**{**asdict(one), "suffixes": list(one.suffixes)}) for one in formats])


class CollectionBody(BaseModel):
    """A collection to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=255)


class CollectionView(BaseModel):
    """A collection; ``documents`` counts by state."""

    id: UUID
    name: str
    created_at: datetime
    documents: Mapping[str, int]

    @classmethod
    def of(cls, collection: Collection) -> Self:
        """The view of a collection."""
        return cls(**asdict(collection))


class CollectionList(BaseModel):
    """A page of collections."""

    items: list[CollectionView]
    next_cursor: str | None


class DocumentView(BaseModel):
    """A document as it stands."""

    id: UUID
    name: str
    collection_id: UUID
    state: str
    reason_code: str | None
    reason: str | None
    media_type: str | None
    title: str | None
    bytes: int
    pages: int | None
    chunks: int | None
    language: str | None
    sha256: str
    revision_id: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        """The view of a document."""
        fields = asdict(document)
        return cls(collection_id=fields.pop("collection"), revision_id=fields.pop("revision"), **fields)


class DocumentList(BaseModel):
    """A page of documents."""

    items: list[DocumentView]
    next_cursor: str | None


class AddedView(BaseModel):
    """What became of an upload."""

    document: DocumentView
    job: UUID | None
    unchanged: bool

    @classmethod
    def of(cls, added: Added) -> Self:
        """The view of an upload."""
        return cls(document=DocumentView.of(added.document), job=added.job, unchanged=added.unchanged)


class JobView(BaseModel):
    """The job that does what was asked for."""

    job: UUID


class TextView(BaseModel):
    """The normal text of a document; every offset refers to it, in Unicode code points."""

    revision_id: UUID
    title: str
    text: str

    @classmethod
    def of(cls, text: NormalText) -> Self:
        """The view of a text."""
        return cls(revision_id=text.revision, title=text.title, text=text.text)


class SearchBody(BaseModel):
    """A search; ``collections`` by id or name, None for all."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=4000)
    collections: list[str] | None = Field(None, max_length=100)
    limit: int = Field(10, ge=1, le=100)


class PlaceView(BaseModel):
    """Where one leg put a passage."""

    rank: int
    score: float


class HitView(BaseModel):
    """A passage that was found."""

    chunk_id: UUID
    document_id: UUID
    document: str
    title: str
    collection_id: UUID
    revision_id: UUID
    page: int | None
    line: int
    headings: list[str]
    text: str
    start: int
    end: int
    language: str
    score: float
    scores: Mapping[str, PlaceView]

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """The view of a passage."""
        return cls(
            chunk_id=passage.chunk,
            document_id=passage.document,
            document=passage.name,
            title=passage.title,
            collection_id=passage.collection,
            revision_id=passage.revision,
            page=passage.page,
            line=passage.line,
            headings=list(passage.headings),
            text=passage.text,
            start=passage.start,
            end=passage.end,
            language=passage.language,
            score=passage.score,
            scores={leg: PlaceView(rank=at.rank, score=at.score) for leg, at in passage.places.items()},
        )


class TimingsView(BaseModel):
    """Milliseconds."""

    encode_ms: float
    vectors_ms: float
    access_ms: float
    total_ms: float


class FoundView(BaseModel):
    """The answer to a search."""

    query: str
    language: str
    legs: list[str]
    note: str | None
    hits: list[HitView]
    timings: TimingsView

    @classmethod
    def of(cls, found: Found) -> Self:
        """The view of what was found."""
        return cls(
            query=found.question,
            language=found.language,
            legs=list(found.legs),
            note=found.note,
            hits=[HitView.of(passage) for passage in found.passages],
            timings=TimingsView(**asdict(found.timings)),
        )
