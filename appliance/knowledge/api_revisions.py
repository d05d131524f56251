"""Routes of revisions and of reading again: translation only."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx, allow
from appliance.knowledge.parsing.limits import Recognition
from appliance.knowledge.reading import FEWEST_TOKENS, MOST_TOKENS, Reading
from appliance.knowledge.rereading import Reread, Rereading
from appliance.knowledge.revisions import Revisions
from appliance.knowledge.schemas import TextView
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants.once import ONCE, OnceRoute

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=OnceRoute)

READ = allow(Action.READ_DOCUMENTS)
CONTENT = licensed(Point.READING)
AGAIN = [allow(Action.WRITE_DOCUMENTS), licensed(Point.WRITING), ONCE]
Tokens = Annotated[int, Field(ge=FEWEST_TOKENS, le=MOST_TOKENS)]
Number = Annotated[int, Query(ge=1, le=2**31 - 1)]


class ReadingView(BaseModel):
    """How files are read. ``recognition`` of text in pictures: of pages without a text layer, of all, of none.

    ``chunk_tokens``: aimed size of a passage in the encoder's tokens; null: as the appliance's settings say.
    """

    model_config = ConfigDict(extra="forbid")

    recognition: Recognition = "auto"
    chunk_tokens: Tokens | None = None


class AgainBody(BaseModel):
    """Read again: ``reading`` null: as the collection says."""

    model_config = ConfigDict(extra="forbid")

    reading: ReadingView | None = None

    def asked(self) -> Reading | None:
        """What is meant."""
        return Reading(**self.reading.model_dump()) if self.reading else None


class AllAgainBody(AgainBody):
    """Read a collection's documents again; ``media_type``: only those of one format."""

    media_type: str | None = Field(None, max_length=200, examples=["application/pdf"])


class RereadView(BaseModel):
    """The batch to follow, the job, and how many documents it is about."""

    batch_id: UUID
    job: UUID
    documents: int

    @classmethod
    def of(cls, asked: Reread) -> Self:
        """The view of it."""
        return cls(batch_id=asked.batch, job=asked.job, documents=asked.documents)


class RevisionView(BaseModel):
    """One content of a document. ``served``: its text is what searches and citations speak of."""

    id: UUID
    number: int
    sha256: str
    bytes: int
    media_type: str | None
    pages: int | None
    chunks: int | None
    reading: Mapping[str, Any]
    served: bool
    created_at: datetime


class RevisionList(BaseModel):
    """All revisions of a document, newest first."""

    items: list[RevisionView]


class DifferenceView(BaseModel):
    """A unified diff of the normal texts by lines. ``cut``: there is more than is told, or a line is longer."""

    before: int
    after: int
    lines: list[str]
    cut: bool


def _revisions(session: Tx, principal: Caller) -> Revisions:
    return Revisions(session, principal)


def _rereading(session: Tx, principal: Caller) -> Rereading:
    return Rereading(session, principal)


Service = Annotated[Revisions, Depends(_revisions)]
Again = Annotated[Rereading, Depends(_rereading)]


@router.get("/documents/{document_id}/revisions", dependencies=[READ])
def list_revisions(document_id: UUID, revisions: Service) -> RevisionList:
    """List the revisions of a document, newest first."""
    return RevisionList(items=[RevisionView(**asdict(one)) for one in revisions.all(document_id)])


@router.get("/documents/{document_id}/revision", dependencies=[READ, CONTENT])
def read_revision(document_id: UUID, number: Number, revisions: Service) -> TextView:
    """The normal text of one revision."""
    return TextView.of(revisions.text(document_id, number))


@router.get("/documents/{document_id}/diff", dependencies=[READ, CONTENT])
def compare_revisions(document_id: UUID, before: Number, after: Number, revisions: Service) -> DifferenceView:
    """What differs between the normal texts of two revisions."""
    return DifferenceView(**asdict(revisions.difference(document_id, before, after)))


@router.post("/documents/{document_id}/reread", status_code=202, dependencies=AGAIN)
def reread_document(document_id: UUID, body: AgainBody, again: Again) -> RereadView:
    """Read a document again with other settings; what is served stays until the new revision can be found."""
    return RereadView.of(again.document(document_id, body.asked()))


@router.post("/collections/{collection_id}/reread", status_code=202, dependencies=AGAIN)
def reread_collection(collection_id: UUID, body: AllAgainBody, again: Again) -> RereadView:
    """Read all of a collection again that you may read, or those of one format."""
    return RereadView.of(again.collection(collection_id, body.asked(), body.media_type))


@router.get("/collections/{collection_id}/reading", dependencies=[READ])
def show_reading(collection_id: UUID, again: Again) -> ReadingView:
    """How files of a collection are read."""
    return ReadingView(**asdict(again.settings(collection_id)))


@router.put("/collections/{collection_id}/reading", dependencies=[allow(Action.MANAGE_COLLECTIONS)])
def change_reading(collection_id: UUID, body: ReadingView, again: Again) -> ReadingView:
    """Change how files of a collection are read from now on; what was read stays until it is read again."""
    again.change(collection_id, Reading(**body.model_dump()))
    return body
