"""Routes of sources: translation only."""

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from appliance.access.permissions import Action
from appliance.access.readers import Readers
from appliance.access.web import Caller, Databases, Tx, allow
from appliance.drivers.blobs import Blobs
from appliance.drivers.sources.port import Entry
from appliance.kit.crypto import Seal
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings
from appliance.knowledge.sources import connectors, schemas
from appliance.knowledge.sources.pushing import Pushing
from appliance.knowledge.sources.service import Source, Sources
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants import etags
from appliance.tenants.once import ONCE, OnceRoute
from appliance.tenants.within import IfMatch

router = APIRouter(prefix="/api/v1/sources", tags=["sources"], route_class=OnceRoute)

MANAGE = allow(Action.MANAGE_SOURCES)
PUSH = allow(Action.PUSH_DOCUMENTS)
READ = licensed(Point.READING)
NEW = licensed(Point.WRITING)
GONE = licensed(Point.DELETING)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
LONGEST = 1000
"""Characters of the name that a program knows a document by."""


def _seal(request: Request) -> Seal:
    found: Seal = request.app.state.sources_seal
    return found


def _operator(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


def _sources(session: Tx, principal: Caller, request: Request) -> Sources:
    allowed = partial(connectors.check, configured=_operator(request))
    return Sources(session, principal, _seal(request), allowed)


Service = Annotated[Sources, Depends(_sources)]


@router.get("", dependencies=[MANAGE, READ])
def list_sources(
    sources: Service,
    collection: UUID | None = None,
    name: str | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.SourceList:
    """List the sources, of one collection, or find the one of this name."""
    page = sources.list(cursor, limit, collection, name)
    return schemas.SourceList(items=[schemas.SourceView.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, dependencies=[MANAGE, NEW, ONCE])
def create_source(body: schemas.SourceBody, sources: Service, response: Response) -> schemas.SourceView:
    """Make a source; its first sync begins at once where it has a schedule or is watched."""
    return _view(sources.create(body.collection_id, body.wanted()), response)


@router.get("/{source_id}", dependencies=[MANAGE, READ], responses={409: {}})
def show_source(source_id: UUID, sources: Service, response: Response) -> schemas.SourceView:
    """Show a source, never its secret."""
    return _view(sources.show(source_id), response)


@router.put("/{source_id}", dependencies=[MANAGE, NEW])
def change_source(
    source_id: UUID, body: schemas.SourceChangeBody, sources: Service, response: Response, if_match: IfMatch = None
) -> schemas.SourceView:
    """Replace a source's settings. What they leave out from now on is forgotten by the next sync."""
    return _view(sources.change(source_id, if_match, body.wanted()), response)


@router.delete("/{source_id}", status_code=202, dependencies=[MANAGE, GONE])
def delete_source(source_id: UUID, sources: Service, keep_documents: bool = False) -> schemas.SourceRunView:  # noqa: FBT001, FBT002 - FastAPI passes by name
    """Remove a source and forget the documents that came from it, or keep these as if they were uploaded."""
    return schemas.SourceRunView(job=sources.remove(source_id, keep=keep_documents))


@router.post("/{source_id}/sync", status_code=202, dependencies=[MANAGE, NEW, ONCE])
def sync_source(source_id: UUID, sources: Service) -> schemas.SourceRunView:
    """Take what is new or changed, forget what is gone: a job."""
    return schemas.SourceRunView(job=sources.sync(source_id, dry=False))


@router.post("/{source_id}/dry-run", status_code=202, dependencies=[MANAGE, READ, ONCE])
def try_source(source_id: UUID, sources: Service) -> schemas.SourceRunView:
    """Tell what a sync would do: a job; its log, by the job's id, has each thing. Nothing is changed."""
    return schemas.SourceRunView(job=sources.sync(source_id, dry=True))


@router.post("/{source_id}/test", dependencies=[MANAGE, READ])
def test_source(source_id: UUID, principal: Caller, request: Request) -> schemas.SourceCheckView:
    """Reach the source with its credentials, and change nothing."""
    databases: Databases = request.app.state.databases
    with databases.app.session(principal.tenant) as session:
        opening = _sources(session, principal, request).open(source_id)
    with closing(connectors.connect(opening, _operator(request))) as connector:  # no session is open meanwhile
        return schemas.SourceCheckView(found=connector.check())


@router.get("/{source_id}/log", dependencies=[MANAGE, READ])
def read_log(
    source_id: UUID,
    sources: Service,
    job: UUID | None = None,
    act: schemas.LogAct | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.SourceLogView:
    """What was taken, skipped and why, newest first; with ``job`` of one run, a dry one too."""
    page = sources.log(source_id, cursor, limit, job, act)
    return schemas.SourceLogView(
        items=[schemas.SourceLineView.of(one) for one in page.items], next_cursor=page.next_cursor
    )


@dataclass(frozen=True, slots=True)
class _Told:
    external: str
    name: str
    readers: Readers | None


def _told(
    external: Annotated[str, Form(min_length=1, max_length=LONGEST, description="What the program knows it by")],
    name: Annotated[str | None, Form(max_length=255, description="The document's name; default: external")] = None,
    readers: Annotated[str | None, Form(max_length=20_000, description="An access list as JSON")] = None,
) -> _Told:
    return _Told(external, name or external, None if readers is None else schemas.readers_of(readers))


@router.put("/{source_id}/items", status_code=202, dependencies=[PUSH, NEW])
def push_item(
    source_id: UUID,
    request: Request,
    session: Tx,
    principal: Caller,
    file: Annotated[UploadFile, File()],
    told: Annotated[_Told, Depends(_told)],
) -> schemas.PushedView:
    """Push a document: new, a new revision, or nothing for the same bytes again."""
    blobs: Blobs = request.app.state.blobs
    staged = blobs.stage(principal.tenant, file.file, _operator(request).web.largest_upload)
    try:
        entry = Entry(told.external, told.name, staged.sha256, staged.size)
        return schemas.PushedView.of(Pushing(session, principal).put(source_id, entry, staged, blobs, told.readers))
    finally:
        blobs.drop(staged)


@router.delete("/{source_id}/items", dependencies=[PUSH, GONE])
def delete_item(
    source_id: UUID, session: Tx, principal: Caller, external: Annotated[str, Query(min_length=1, max_length=LONGEST)]
) -> schemas.GoneView:
    """Say that what was pushed under this name is gone: its document is forgotten."""
    return schemas.GoneView.model_validate({"act": Pushing(session, principal).delete(source_id, external).value})


def _view(source: Source, response: Response) -> schemas.SourceView:
    response.headers["etag"] = etags.tag(source.version)
    return schemas.SourceView.of(source)
