"""Routes of sign-in and tenants, and the slice's one router: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, Databases, TenantTx, allow
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.tenants import api_groups, api_keys, api_users, etags, passwords, schemas
from appliance.tenants.authentication import sign_in_by_password, sign_in_by_token
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.service import Tenant, Tenants
from appliance.tenants.within import IfMatch, within

router = APIRouter(prefix="/api/v1", tags=["tenants"], route_class=OnceRoute)

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
MANAGE = within(Action.MANAGE_TENANTS)
ONCE = once(TENANT_TRANSACTION)


@router.post("/login", status_code=201)
def login(body: schemas.LoginBody, request: Request) -> schemas.SignedInView:
    """Sign in; the answer holds a new API key, shown this once."""
    databases: Databases = request.app.state.databases
    request.state.signing_in = body.login
    with passwords.turn(), databases.system.session() as session:
        if body.token is not None:
            signed = sign_in_by_token(session, body.token, body.password)
        else:
            signed = sign_in_by_password(session, body.login or "", body.password or "")
    who = signed.principal
    return schemas.SignedInView(
        key=signed.key, user_id=who.user, login=signed.login, role=who.role, tenant_id=who.tenant
    )


@router.get("/me")
def me(principal: Caller) -> schemas.MeView:
    """Who the key belongs to, and what it is limited to."""
    return schemas.MeView(
        user_id=principal.user,
        name=principal.name,
        role=principal.role,
        tenant_id=principal.tenant,
        groups=sorted(principal.groups),
        scopes=None if principal.scopes is None else sorted(principal.scopes),
        models=None if principal.models is None else sorted(principal.models),
    )


@router.post("/tenants", status_code=201, dependencies=[allow(Action.MANAGE_TENANTS), ONCE])
def create_tenant(
    body: schemas.TenantBody, session: TenantTx, principal: Caller, response: Response
) -> schemas.TenantView:
    """Create a tenant (operator)."""
    made = Tenants(session, principal).create(body.name, body.settings.model_dump(exclude_unset=True))
    return _view(made, response)


@router.get("/tenants", dependencies=[allow(Action.READ_TENANTS)])
def list_tenants(
    session: TenantTx,
    principal: Caller,
    name: str | None = None,
    state: schemas.State | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.TenantList:
    """List tenants, or those of one state, or the one of a name (operator, auditor)."""
    page = Tenants(session, principal).list(cursor, limit, state, name)
    return schemas.TenantList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/tenants/{tenant_id}", dependencies=[within(Action.READ_TENANTS)])
def show_tenant(tenant_id: UUID, session: TenantTx, principal: Caller, response: Response) -> schemas.TenantView:
    """Show a tenant (operator, auditor)."""
    return _view(Tenants(session, principal).show(tenant_id), response)


@router.patch("/tenants/{tenant_id}", dependencies=[MANAGE])
def change_tenant(
    tenant_id: UUID,
    body: schemas.TenantChange,
    session: TenantTx,
    principal: Caller,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.TenantView:
    """Rename a tenant or change its settings (operator)."""
    chosen = body.settings.model_dump(exclude_unset=True) if body.settings else None
    return _view(Tenants(session, principal).change(tenant_id, if_match, body.name, chosen), response)


@router.post("/tenants/{tenant_id}/suspend", dependencies=[MANAGE])
def suspend_tenant(tenant_id: UUID, session: TenantTx, principal: Caller, response: Response) -> schemas.TenantView:
    """Suspend a tenant: within two seconds no credential of its people is accepted (operator). Harmless to repeat."""
    return _view(Tenants(session, principal).suspend(tenant_id), response)


@router.post("/tenants/{tenant_id}/resume", dependencies=[MANAGE])
def resume_tenant(tenant_id: UUID, session: TenantTx, principal: Caller, response: Response) -> schemas.TenantView:
    """Let a suspended tenant's people in again (operator). Harmless to repeat."""
    return _view(Tenants(session, principal).resume(tenant_id), response)


def _view(tenant: Tenant, response: Response | None = None) -> schemas.TenantView:
    if response is not None:
        response.headers["etag"] = etags.tag(tenant.version)
    return schemas.TenantView.model_validate(tenant, from_attributes=True)


for each in (api_users.router, api_groups.router, api_keys.router):
    router.include_router(each)
