"""Routes of a tenant's exports: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, TenantTx
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants import export_schemas as schemas
from appliance.tenants.errors import ExportNotFound
from appliance.tenants.exports import Export, Exports, place
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import within

router = APIRouter(
    prefix="/tenants/{tenant_id}/exports",
    route_class=OnceRoute,
    dependencies=[within(Action.EXPORT_TENANT), licensed(Point.EXPORT)],
)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
ZIP = "application/zip"


def _exports(tenant_id: UUID, session: TenantTx, principal: Caller) -> Exports:
    return Exports(session, principal, tenant_id)


Service = Annotated[Exports, Depends(_exports)]


@router.post("", status_code=202, dependencies=[once(TENANT_TRANSACTION)])
def create_export(exports: Service) -> schemas.ExportView:
    """Have an archive of the tenant written: with content for its own administrators, without for an operator."""
    return _view(exports.ask())


@router.get("")
def list_exports(
    exports: Service, state: schemas.ExportState | None = None, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.ExportList:
    """List the exports that are not over, newest first, or those that are ready to be fetched, or wait for it."""
    page = exports.list(cursor, limit, state)
    return schemas.ExportList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/{export_id}")
def show_export(export_id: UUID, exports: Service) -> schemas.ExportView:
    """Show an export."""
    return _view(exports.show(export_id))


@router.get(
    "/{export_id}/archive",
    response_class=FileResponse,
    responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}, 409: {}},
)
def download_export(export_id: UUID, exports: Service, request: Request) -> FileResponse:
    """Download the archive: a zip of JSON lines and original files, with a manifest of their SHA-256."""
    settings: Settings = request.app.state.settings
    found = exports.fetch(export_id)
    path = place(settings.layout.exports, found.tenant_id, found.id)
    if not path.is_file():
        raise ExportNotFound
    headers = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    return FileResponse(path, media_type=ZIP, filename=f"tenant-{found.tenant_id}.zip", headers=headers)


def _view(export: Export) -> schemas.ExportView:
    return schemas.ExportView(**asdict(export))
