"""Routes of access to documents: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from appliance.access.permissions import Action
from appliance.access.principal import Principal
from appliance.access.web import Caller, Databases, Tx, allow
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.knowledge import sharing_schemas as schemas
from appliance.knowledge.explaining import Explaining
from appliance.knowledge.retrieval import Retrieval
from appliance.knowledge.search_schemas import FoundView, SearchBody
from appliance.knowledge.sharing import Sharing
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants import viewing

router = APIRouter(prefix="/api/v1", tags=["knowledge"], dependencies=[allow(Action.MANAGE_ACCESS)])

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _sharing(session: Tx, principal: Caller) -> Sharing:
    return Sharing(session, principal)


Service = Annotated[Sharing, Depends(_sharing)]


@router.get("/collections/{collection_id}/access")
def show_collection_access(collection_id: UUID, sharing: Service) -> schemas.AccessView:
    """Who may read a collection's documents, as far as these have no list of their own."""
    return schemas.AccessView.of(sharing.collection(collection_id))


@router.put("/collections/{collection_id}/access")
def share_collection(collection_id: UUID, body: schemas.ReadersBody, sharing: Service) -> schemas.AccessView:
    """Say who may read a collection's documents. In force with the answer, in searches and answers too."""
    return schemas.AccessView.of(sharing.share_collection(collection_id, body.readers()))


@router.get("/documents-access")
def list_access(
    sharing: Service,
    collection: UUID | None = None,
    name: str | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.ListedList:
    """List documents with who may read them, those too that you may not read."""
    page = sharing.documents(cursor, limit, collection, name)
    return schemas.ListedList(items=[schemas.ListedView.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/documents/{document_id}/access")
def show_access(document_id: UUID, sharing: Service) -> schemas.AccessView:
    """Who may read a document."""
    return schemas.AccessView.of(sharing.document(document_id))


@router.put("/documents/{document_id}/access")
def share_document(document_id: UUID, body: schemas.ReadersBody, sharing: Service) -> schemas.AccessView:
    """Say who may read a document, whatever its collection says. In force with the answer."""
    return schemas.AccessView.of(sharing.share(document_id, body.readers()))


@router.delete("/documents/{document_id}/access")
def inherit_access(document_id: UUID, sharing: Service) -> schemas.AccessView:
    """Let a document have its collection's list again."""
    return schemas.AccessView.of(sharing.share(document_id, None))


@router.get("/documents/{document_id}/explain/{user_id}")
def explain_access(
    document_id: UUID, user_id: UUID, session: Tx, principal: Caller, chunk_id: UUID | None = None
) -> schemas.ExplanationView:
    """Why a person may or may not read a document, or one passage of it. Recorded."""
    found = Explaining(session, principal).document(document_id, user_id, chunk_id)
    return schemas.ExplanationView.of(found)


def _viewed(user_id: UUID, principal: Caller, request: Request) -> Principal:
    """The person whose view is asked for; no session is open while the search runs."""
    databases: Databases = request.app.state.databases
    with databases.app.session(principal.tenant) as session:
        return viewing.viewed(session, principal.tenant, user_id).principal


@router.post("/search/as/{user_id}", dependencies=[allow(Action.ASK), licensed(Point.SEARCH)])
def search_as(
    body: SearchBody, principal: Caller, request: Request, seen: Annotated[Principal, Depends(_viewed)]
) -> FoundView:
    """Find what another person of your tenant would find. Recorded, with whose view it was."""
    retrieval: Retrieval = request.app.state.passages
    return FoundView.of(retrieval.search(seen, body.query, body.wish(), by=principal))
