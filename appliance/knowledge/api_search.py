"""Routes of search and of the tags that narrow it: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx, allow
from appliance.knowledge.retrieval import Retrieval
from appliance.knowledge.schemas import DocumentView, TagList, TagsBody
from appliance.knowledge.search_schemas import FoundView, SearchBody
from appliance.knowledge.tagging import Tagging
from appliance.licensing.points import Point
from appliance.licensing.web import licensed

router = APIRouter(prefix="/api/v1", tags=["knowledge"])


def _tagging(session: Tx, principal: Caller) -> Tagging:
    return Tagging(session, principal)


Tags = Annotated[Tagging, Depends(_tagging)]


@router.post("/search", dependencies=[allow(Action.ASK), licensed(Point.SEARCH)])
def search(body: SearchBody, principal: Caller, request: Request) -> FoundView:
    """Find passages, by words and by meaning."""
    retrieval: Retrieval = request.app.state.passages
    return FoundView.of(retrieval.search(principal, body.query, body.wish()))


@router.get("/tags", dependencies=[allow(Action.READ_DOCUMENTS)])
def list_tags(tagging: Tags) -> TagList:
    """Every tag of the documents that you may read."""
    return TagList.of(tagging.all())


@router.put("/documents/{document_id}/tags", dependencies=[allow(Action.WRITE_DOCUMENTS), licensed(Point.WRITING)])
def tag_document(document_id: UUID, body: TagsBody, tagging: Tags) -> DocumentView:
    """Give a document tags, in place of those that it has. Searches by tag know of it at once."""
    return DocumentView.of(tagging.set(document_id, body.tags))
