"""What other slices see of collections and documents: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from appliance.knowledge.parsing.parsed import Recognised

CollectionId = NewType("CollectionId", UUID)
DocumentId = NewType("DocumentId", UUID)

INGEST = "knowledge.ingest"
FORGET = "knowledge.forget"
FORGET_COLLECTION = "knowledge.forget_collection"


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents; ``documents`` counts them by state."""

    id: CollectionId
    name: str
    created_at: datetime
    documents: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it stands. What is told of its content is of the revision that is served, or of the newest one.

    ``recognised_lines``: how many were read from pictures, None for none; ``doubtful_lines``: with little confidence.
    """

    id: DocumentId
    collection: CollectionId
    name: str
    state: str
    reason_code: str | None
    reason: str | None
    revision: UUID
    sha256: str
    bytes: int
    media_type: str | None
    title: str | None
    language: str | None
    pages: int | None
    chunks: int | None
    recognised_lines: int | None
    doubtful_lines: int | None
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an upload. ``unchanged``: the same bytes were there already; ``job`` reads them, if one must."""

    document: Document
    job: UUID | None
    unchanged: bool


@dataclass(frozen=True, slots=True)
class NormalText:
    """The text of a revision; every offset refers to it. ``recognised``: its lines that were read from pictures."""

    revision: UUID
    title: str
    text: str
    recognised: tuple[Recognised, ...] = ()
