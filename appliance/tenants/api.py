"""Routes of tenants, and the slice's one router: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, allow
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.tenants import (
    api_deletion,
    api_exports,
    api_groups,
    api_invitations,
    api_keys,
    api_sessions,
    api_sign_in,
    api_totp,
    api_users,
    etags,
    schemas,
)
from appliance.tenants.directory import api as directory_api
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.service import Tenant
from appliance.tenants.web import TenantsHere
from appliance.tenants.within import IfMatch, within

router = APIRouter(prefix="/api/v1", tags=["tenants"], route_class=OnceRoute)

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
MANAGE = within(Action.MANAGE_TENANTS)
ONCE = once(TENANT_TRANSACTION)


@router.post("/tenants", status_code=201, dependencies=[allow(Action.MANAGE_TENANTS), ONCE])
def create_tenant(body: schemas.TenantBody, tenants: TenantsHere, response: Response) -> schemas.TenantView:
    """Create a tenant (operator)."""
    made = tenants.create(body.name, body.settings.model_dump(exclude_unset=True))
    return _view(made, response)


@router.get("/tenants", dependencies=[allow(Action.READ_TENANTS)])
def list_tenants(
    tenants: TenantsHere,
    name: str | None = None,
    state: schemas.TenantState | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.TenantList:
    """List tenants, or those of one state, or the one of a name (operator, auditor)."""
    page = tenants.list(cursor, limit, state, name)
    return schemas.TenantList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/tenants/{tenant_id}", dependencies=[within(Action.READ_TENANTS)])
def show_tenant(tenant_id: UUID, tenants: TenantsHere, response: Response) -> schemas.TenantView:
    """Show a tenant (operator, auditor)."""
    return _view(tenants.show(tenant_id), response)


@router.patch("/tenants/{tenant_id}", dependencies=[MANAGE])
def change_tenant(
    tenant_id: UUID,
    body: schemas.TenantChange,
    tenants: TenantsHere,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.TenantView:
    """Rename a tenant or change its settings (operator)."""
    chosen = body.settings.model_dump(exclude_unset=True) if body.settings else None
    return _view(tenants.change(tenant_id, if_match, body.name, chosen), response)


@router.post("/tenants/{tenant_id}/suspend", dependencies=[MANAGE])
def suspend_tenant(tenant_id: UUID, tenants: TenantsHere, response: Response) -> schemas.TenantView:
    """Suspend a tenant: within two seconds no credential of its people is accepted (operator). Harmless to repeat."""
    return _view(tenants.suspend(tenant_id), response)


@router.post("/tenants/{tenant_id}/resume", dependencies=[MANAGE])
def resume_tenant(tenant_id: UUID, tenants: TenantsHere, response: Response) -> schemas.TenantView:
    """Let a suspended tenant's people in again (operator). Harmless to repeat."""
    return _view(tenants.resume(tenant_id), response)


def _view(tenant: Tenant, response: Response | None = None) -> schemas.TenantView:
    if response is not None:
        response.headers["etag"] = etags.tag(tenant.version)
    return schemas.TenantView.model_validate(tenant, from_attributes=True)


MORE = (api_invitations, api_totp, api_deletion, api_exports, directory_api)
for each in (api_sign_in, api_sessions, api_users, api_groups, api_keys, *MORE):
    router.include_router(each.router)
router.include_router(api_invitations.coming)
