"""Routes of sessions, one's own and those of a tenant's users: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx
from appliance.audit.service import Audit
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, Page
from appliance.tenants import sign_in_schemas as schemas
from appliance.tenants.api_sign_in import Own
from appliance.tenants.sessions import Sessions, UserSession
from appliance.tenants.web import TenantsHere
from appliance.tenants.within import within

router = APIRouter()
of_tenant = APIRouter(prefix="/tenants/{tenant_id}")
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _of_tenant(tenant_id: UUID, tenants: TenantsHere) -> Sessions:
    return tenants.sessions(tenant_id)


def _mine(session: Tx, principal: Own) -> Sessions:
    return Sessions(session, principal.tenant, Audit(session, principal.tenant, principal.user), principal)


Mine = Annotated[Sessions, Depends(_mine)]
OfTenant = Annotated[Sessions, Depends(_of_tenant)]


@router.get("/me/sessions")
def list_own_sessions(
    sessions: Mine, principal: Own, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.SessionList:
    """List where you are signed in."""
    return _list(sessions.list(cursor, limit, principal.user), principal.session)


@router.delete("/me/sessions/{session_id}")
def revoke_own_session(session_id: UUID, sessions: Mine, principal: Own) -> schemas.SessionView:
    """End one of your sessions: within two seconds it is not accepted any more. Harmless to repeat."""
    return _view(sessions.revoke(session_id, principal.user), principal.session)


@router.delete("/me/sessions")
def revoke_other_sessions(sessions: Mine, principal: Own) -> schemas.EndedView:
    """End all of your sessions but the one that this request came with."""
    return schemas.EndedView(ended=sessions.revoke_all(principal.user, principal.session))


@of_tenant.get("/sessions", dependencies=[READ])
def list_sessions(
    sessions: OfTenant,
    principal: Caller,
    user: UUID | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.SessionList:
    """List the sessions of a tenant's users, or those of one user."""
    return _list(sessions.list(cursor, limit, user), principal.session)


@of_tenant.delete("/sessions/{session_id}", dependencies=[MANAGE])
def revoke_session(session_id: UUID, sessions: OfTenant, principal: Caller) -> schemas.SessionView:
    """End a user's session: within two seconds it is not accepted any more. Harmless to repeat."""
    return _view(sessions.revoke(session_id), principal.session)


@of_tenant.delete("/users/{user_id}/sessions", dependencies=[MANAGE])
def revoke_sessions_of_user(user_id: UUID, sessions: OfTenant) -> schemas.EndedView:
    """End all sessions of a user. Keys stay: they are revoked one by one, or with the user."""
    return schemas.EndedView(ended=sessions.revoke_all(user_id))


def _list(page: Page[UserSession], current: UUID | None) -> schemas.SessionList:
    return schemas.SessionList(items=[_view(item, current) for item in page.items], next_cursor=page.next_cursor)


def _view(one: UserSession, current: UUID | None) -> schemas.SessionView:
    return schemas.SessionView(**asdict(one), current=one.id == current)


router.include_router(of_tenant)
