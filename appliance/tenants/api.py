"""Routes of sign-in, tenants, users and keys: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from appliance.access.permissions import Action
from appliance.access.principal import UserId
from appliance.access.web import Caller, Databases, OperatorTx, allow
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.tenants import passwords, schemas
from appliance.tenants.authentication import sign_in_by_password, sign_in_by_token
from appliance.tenants.service import Tenants

router = APIRouter(prefix="/api/v1", tags=["tenants"])

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
OPERATOR = [allow(Action.MANAGE_TENANTS)]


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
    """Who the key belongs to."""
    return schemas.MeView(user_id=principal.user, name=principal.name, role=principal.role, tenant_id=principal.tenant)


@router.post("/tenants", status_code=201, dependencies=OPERATOR)
def create_tenant(body: schemas.TenantBody, session: OperatorTx, principal: Caller) -> schemas.TenantView:
    """Create a tenant (operator)."""
    return schemas.TenantView(**asdict(Tenants(session, principal.user).create(body.name)))


@router.get("/tenants", dependencies=OPERATOR)
def list_tenants(
    session: OperatorTx, principal: Caller, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.TenantList:
    """List tenants (operator)."""
    page = Tenants(session, principal.user).list(cursor, limit)
    return schemas.TenantList(
        items=[schemas.TenantView(**asdict(item)) for item in page.items], next_cursor=page.next_cursor
    )


@router.post("/tenants/{tenant_id}/users", status_code=201, dependencies=OPERATOR)
def create_user(tenant_id: UUID, body: schemas.UserBody, session: OperatorTx, principal: Caller) -> schemas.UserView:
    """Create a user of a tenant (operator)."""
    people = Tenants(session, principal.user).people(tenant_id)
    return schemas.UserView(**asdict(people.add(body.login, body.name, body.role, body.password)))


@router.get("/tenants/{tenant_id}/users", dependencies=OPERATOR)
def list_users(
    tenant_id: UUID, session: OperatorTx, principal: Caller, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.UserList:
    """List a tenant's users (operator)."""
    page = Tenants(session, principal.user).people(tenant_id).list(cursor, limit)
    return schemas.UserList(
        items=[schemas.UserView(**asdict(item)) for item in page.items], next_cursor=page.next_cursor
    )


@router.post("/tenants/{tenant_id}/users/{user_id}/keys", status_code=201, dependencies=OPERATOR)
def create_key(
    tenant_id: UUID, user_id: UUID, body: schemas.KeyBody, session: OperatorTx, principal: Caller
) -> schemas.KeyView:
    """Create an API key for a user (operator); the answer holds it, shown this once."""
    people = Tenants(session, principal.user).people(tenant_id)
    return schemas.KeyView(key=people.issue_key(UserId(user_id), body.name))
