"""Routes of collections and documents: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx, allow
from appliance.drivers.blobs import Blobs
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings
from appliance.knowledge import schemas
from appliance.knowledge.batches import Batches
from appliance.knowledge.listing import Listing
from appliance.knowledge.parsing.formats import FORMATS
from appliance.knowledge.service import Knowledge
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants.once import ONCE, OnceRoute

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=OnceRoute)

READ = allow(Action.READ_DOCUMENTS)
WRITE = allow(Action.WRITE_DOCUMENTS)
MANAGE = allow(Action.MANAGE_COLLECTIONS)
NEW = licensed(Point.WRITING)
GONE = licensed(Point.DELETING)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _knowledge(session: Tx, principal: Caller) -> Knowledge:
    return Knowledge(session, principal)


Service = Annotated[Knowledge, Depends(_knowledge)]


@router.get("/formats", dependencies=[READ])
def list_formats() -> schemas.FormatList:
    """Which kinds of file are read, for a file dialogue and for people."""
    return schemas.FormatList.of(FORMATS)


@router.get("/collections", dependencies=[READ])
def list_collections(
    knowledge: Service, name: str | None = None, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.CollectionList:
    """List collections, or find the one of this name."""
    page = knowledge.collections(cursor, limit, name)
    items = [schemas.CollectionView.of(one) for one in page.items]
    return schemas.CollectionList(items=items, next_cursor=page.next_cursor)


@router.post("/collections", status_code=201, dependencies=[MANAGE, NEW, ONCE])
def create_collection(body: schemas.CollectionBody, knowledge: Service) -> schemas.CollectionView:
    """Make a collection."""
    return schemas.CollectionView.of(knowledge.create(body.name))


@router.get("/collections/{collection_id}", dependencies=[READ])
def show_collection(collection_id: UUID, knowledge: Service) -> schemas.CollectionView:
    """Show a collection."""
    return schemas.CollectionView.of(knowledge.collection(collection_id))


@router.delete("/collections/{collection_id}", status_code=202, dependencies=[MANAGE, GONE])
def delete_collection(collection_id: UUID, knowledge: Service) -> schemas.JobView:
    """Delete a collection and forget all its documents."""
    return schemas.JobView(job=knowledge.forget_collection(collection_id))


@router.post("/collections/{collection_id}/documents", status_code=202, dependencies=[WRITE, NEW, ONCE])
def add_document(
    collection_id: UUID,
    request: Request,
    session: Tx,
    principal: Caller,
    file: Annotated[UploadFile, File()],
    name: Annotated[str | None, Form(max_length=255)] = None,
    batch: Annotated[UUID | None, Form()] = None,
) -> schemas.AddedView:
    """Upload a file: a new document, a new revision of the one of this name, or nothing for the same bytes again."""
    if batch is not None:
        Batches(session, principal).open(batch, collection_id)
    blobs: Blobs = request.app.state.blobs
    settings: Settings = request.app.state.settings
    staged = blobs.stage(principal.tenant, file.file, settings.web.largest_upload)
    try:
        added = Knowledge(session, principal, batch).add(collection_id, name or file.filename or "", staged, blobs)
    finally:
        blobs.drop(staged)
    return schemas.AddedView.of(added)


@router.get("/documents", dependencies=[READ])
def list_documents(
    knowledge: Service,
    collection: UUID | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.DocumentList:
    """List documents."""
    page = knowledge.documents(cursor, limit, collection, state)
    items = [schemas.DocumentView.of(one) for one in page.items]
    return schemas.DocumentList(items=items, next_cursor=page.next_cursor)


@router.get("/documents/{document_id}", dependencies=[READ])
def show_document(document_id: UUID, knowledge: Service) -> schemas.DocumentView:
    """Show a document."""
    return schemas.DocumentView.of(knowledge.document(document_id))


@router.delete("/documents/{document_id}", status_code=202, dependencies=[WRITE, GONE])
def delete_document(document_id: UUID, knowledge: Service) -> schemas.JobView:
    """Forget a document everywhere."""
    return schemas.JobView(job=knowledge.forget(document_id))


@router.post("/documents/{document_id}/retry", status_code=202, dependencies=[WRITE, NEW, ONCE])
def retry_document(document_id: UUID, knowledge: Service) -> schemas.AddedView:
    """Read a document again that failed."""
    return schemas.AddedView.of(knowledge.retry(document_id))


@router.get("/documents/{document_id}/text", dependencies=[READ, licensed(Point.READING)])
def read_document(document_id: UUID, knowledge: Service) -> schemas.TextView:
    """The normal text of a document, to which all offsets refer."""
    return schemas.TextView.of(knowledge.text(document_id))


@router.get("/documents/{document_id}/chunks", dependencies=[READ, licensed(Point.READING)], responses={409: {}})
def list_chunks(
    document_id: UUID, session: Tx, principal: Caller, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.ChunkList:
    """List the passages of a document, in the order of its text, with where each stands on its page."""
    page = Listing(session, principal).page(document_id, cursor, limit)
    items = [schemas.ChunkView.of(one) for one in page.items]
    return schemas.ChunkList(items=items, next_cursor=page.next_cursor)
