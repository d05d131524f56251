"""Searches as the API takes and tells them."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.knowledge.boxes import boxes
from appliance.knowledge.confidence import least
from appliance.knowledge.originals import link
from appliance.knowledge.passages import Passage
from appliance.knowledge.retrieval import Found
from appliance.knowledge.schemas import BoxView
from appliance.knowledge.stitching import MOST
from appliance.knowledge.tagging import checked
from appliance.knowledge.wish import Filters, Fold, Spoken, Wish, media_types, scripts

_DAY = timedelta(days=1)


class SearchBody(BaseModel):
    """A search; ``collections`` by id or name, None for all.

    Filters are of documents: ``types`` by suffix or media type, ``languages`` (zh: both scripts), ``tags`` (all of
    them), ``since`` and ``until``: days, in UTC, on which what the document says was taken in, both included;
    ``sources`` that it came from, by id or name.
    ``fold``: of passages that say the same only the best is a hit, the others stand under it: alike (small differences
    count as the same, other numbers never), same (letter by letter), none. ``stitch``: neighbours given on each side.
    """

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=4000)
    collections: list[str] | None = Field(None, max_length=100)
    limit: int = Field(10, ge=1, le=100)
    types: list[str] = Field([], max_length=100)
    languages: list[Spoken] = Field([], max_length=10)
    tags: list[str] = Field([], max_length=50)
    since: date | None = None
    until: date | None = None
    sources: list[str] = Field([], max_length=100)
    fold: Fold = "alike"
    stitch: int = Field(0, ge=0, le=MOST)

    def wish(self) -> Wish:
        """What is wanted. Raises TypeUnknown, BadTag."""
        filters = Filters(
            types=media_types(self.types),
            languages=scripts(self.languages),
            tags=tuple(checked(self.tags)),
            since=_midnight(self.since) if self.since else None,
            until=_midnight(self.until) + _DAY if self.until and self.until < date.max else None,
            sources=tuple(self.sources),
        )
        return Wish(self.limit, self.collections, filters, self.fold, self.stitch)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class PlaceView(BaseModel):
    """Where one leg put a passage."""

    rank: int
    score: float


class SpanView(BaseModel):
    """A part of a text: offsets in Unicode code points, the second excluded."""

    start: int
    end: int


class SameView(BaseModel):
    """A passage that says the same as a hit."""

    chunk_id: UUID
    document_id: UUID
    document: str
    page: int | None
    line: int
    score: float

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """The view of such a passage."""
        return cls(
            chunk_id=passage.chunk,
            document_id=passage.document,
            document=passage.name,
            page=passage.page,
            line=passage.line,
            score=passage.score,
        )


class HitView(BaseModel):
    """A passage that was found; ``highlights`` are spans of ``text``, ``chunk_ids`` all that it is of.

    ``confidence``: where it was read from a picture, of its least sure line, from 0 to 1; below .8 compare it.
    ``boxes``: where it stands on its pages, one for each page and column, where the format has pages and it is known.
    ``original``: where its file is fetched, of a PDF at the page.
    """

    chunk_id: UUID
    chunk_ids: list[UUID]
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
    confidence: float | None
    boxes: list[BoxView]
    original: str
    score: float
    scores: Mapping[str, PlaceView]
    highlights: list[SpanView]
    same: list[SameView]

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """The view of a passage."""
        return cls(
            chunk_id=passage.chunk,
            chunk_ids=list(passage.chunks or (passage.chunk,)),
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
            confidence=least(passage.recognised),
            boxes=[BoxView(**asdict(one)) for one in boxes(passage.sheets)],
            original=link(passage.document, passage.revision, passage.name, passage.page),
            score=passage.score,
            scores={leg: PlaceView(rank=at.rank, score=at.score) for leg, at in passage.places.items()},
            highlights=[SpanView(start=start, end=end) for start, end in passage.marks],
            same=[SameView.of(one) for one in passage.same],
        )


class TimingsView(BaseModel):
    """Milliseconds."""

    encode_ms: float
    vectors_ms: float
    access_ms: float
    rerank_ms: float
    total_ms: float


class WordsView(BaseModel):
    """What the glossary added to the question: ``said`` stands in it, ``others`` mean the same."""

    said: str
    others: list[str]


class FoundView(BaseModel):
    """The answer to a search."""

    query: str
    expanded: list[WordsView]
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
            expanded=[WordsView(said=one.said, others=list(one.others)) for one in found.expansion.added],
            language=found.language,
            legs=list(found.legs),
            note=found.note,
            hits=[HitView.of(passage) for passage in found.passages],
            timings=TimingsView(**asdict(found.timings)),
        )
