"""Collections, documents and searches as the API tells them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.knowledge.documents import Added, Collection, Document, NormalText
from appliance.knowledge.listing import Listed
from appliance.knowledge.parsing.formats import Format


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
    """A document as it stands.

    ``recognised_lines``: how many were read from pictures, null for none; ``doubtful_lines``: those of them that were
    read with a confidence below .8.
    """

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
    recognised_lines: int | None
    doubtful_lines: int | None
    tags: list[str]
    language: str | None
    sha256: str
    revision_id: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        """The view of a document."""
        fields = asdict(document)
        tags, collection, revision = (fields.pop(name) for name in ("tags", "collection", "revision"))
        return cls(collection_id=collection, revision_id=revision, tags=list(tags), **fields)


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


class TagsBody(BaseModel):
    """The tags of a document, in place of those that it has."""

    model_config = ConfigDict(extra="forbid")

    tags: list[str] = Field(max_length=100)


class TagView(BaseModel):
    """A tag, and how many of the documents that you may read have it."""

    tag: str
    documents: int


class TagList(BaseModel):
    """Every tag."""

    items: list[TagView]

    @classmethod
    def of(cls, tags: Iterable[tuple[str, int]]) -> Self:
        """The view of the tags."""
        return cls(items=[TagView(tag=tag, documents=count) for tag, count in tags])


class BoxView(BaseModel):
    """A part of a page as it is shown, in fractions of its width and height from its upper left corner."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


class ChunkView(BaseModel):
    """A passage of a document: ``text`` is the normal text from ``start`` to ``end``.

    ``confidence``: where it was read from a picture, of its least sure line. ``boxes``: where it stands on its page.
    """

    id: UUID
    ordinal: int
    revision_id: UUID
    text: str
    start: int
    end: int
    page: int | None
    line: int
    headings: list[str]
    language: str
    confidence: float | None
    boxes: list[BoxView]

    @classmethod
    def of(cls, chunk: Listed) -> Self:
        """The view of a passage."""
        fields = asdict(chunk)
        return cls(revision_id=fields.pop("revision"), **fields)


class ChunkList(BaseModel):
    """A page of passages, in the order of the text."""

    items: list[ChunkView]
    next_cursor: str | None


class RecognisedView(BaseModel):
    """A line that was read from a picture: offsets into the text, and a confidence from 0 to 1."""

    start: int
    end: int
    confidence: float


class TextView(BaseModel):
    """The normal text of a document; every offset refers to it, in Unicode code points."""

    revision_id: UUID
    title: str
    text: str
    recognised: list[RecognisedView]

    @classmethod
    def of(cls, text: NormalText) -> Self:
        """The view of a text."""
        lines = [RecognisedView(**asdict(one)) for one in text.recognised]
        return cls(revision_id=text.revision, title=text.title, text=text.text, recognised=lines)
