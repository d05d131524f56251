"""Routes by which a collection leaves as an archive and comes in from one: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from appliance.access.permissions import Action
from appliance.access.web import Caller, Databases, Tx, allow
from appliance.drivers.blobs import Blobs
from appliance.knowledge import importing
from appliance.knowledge.exporting import Exporting
from appliance.knowledge.importing import Shelf
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants.once import ONCE, OnceRoute

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=OnceRoute)

MANAGE = allow(Action.MANAGE_COLLECTIONS)
READ = allow(Action.READ_DOCUMENTS)
WRITE = allow(Action.WRITE_DOCUMENTS)
ZIP = "application/zip"


class ImportView(BaseModel):
    """The job that takes the archive in. The collection and the batch of its documents will have the job's id."""

    job: UUID
    collection_id: UUID
    batch_id: UUID


@router.get(
    "/collections/{collection_id}/archive",
    dependencies=[READ, MANAGE, licensed(Point.EXPORT)],
    response_class=StreamingResponse,
    responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
)
def export_collection(
    collection_id: UUID, session: Tx, principal: Caller, request: Request, *, texts: bool = False
) -> StreamingResponse:
    """Download a collection as an archive, if you may read all of it: originals, names, tags, how they are read.

    With access lists, by names, for who manages access; with the normal texts if ``texts``.
    """
    databases: Databases = request.app.state.databases
    blobs: Blobs = request.app.state.blobs
    exporting = Exporting(principal, texts=texts)
    pieces = exporting.archive(databases.app, blobs, exporting.begin(session, collection_id))
    told = f'attachment; filename="collection-{collection_id}.zip"'
    headers = {"content-disposition": told, "x-content-type-options": "nosniff", "cache-control": "no-store"}
    return StreamingResponse(pieces, media_type=ZIP, headers=headers)


@router.post("/collection-imports", status_code=202, dependencies=[MANAGE, WRITE, licensed(Point.WRITING), ONCE])
def import_collection(
    session: Tx,
    principal: Caller,
    request: Request,
    file: Annotated[UploadFile, File()],
    name: Annotated[str | None, Form(min_length=1, max_length=255)] = None,
) -> ImportView:
    """Upload an archive of a collection: a job looks at all of it, then takes it in as a new collection.

    Its access lists are applied if you manage access; else, and where it has none, you alone may read it at first.
    """
    shelf: Shelf = request.app.state.archives
    job = importing.ask(session, principal, file.file, name, shelf)
    return ImportView(job=job, collection_id=job, batch_id=job)
