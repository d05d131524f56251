"""Routes of a tenant's users: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from appliance.access.permissions import Action
from appliance.access.principal import Role
from appliance.access.web import TENANT_TRANSACTION
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.tenants import etags, passwords
from appliance.tenants import people_schemas as schemas
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.people import People, User
from appliance.tenants.repository import UserFilter
from appliance.tenants.schemas import State
from appliance.tenants.web import TenantsHere
from appliance.tenants.within import IfMatch, within

router = APIRouter(prefix="/tenants/{tenant_id}/users", route_class=OnceRoute)
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _people(tenant_id: UUID, tenants: TenantsHere) -> People:
    return tenants.people(tenant_id)


def _wanted(
    login: str | None = None,
    state: State | None = None,
    role: Role | None = None,
    kind: schemas.Kind | None = None,
    group: UUID | None = None,
) -> UserFilter:
    return UserFilter(login, state, role, kind, group)


Service = Annotated[People, Depends(_people)]
Wanted = Annotated[UserFilter, Depends(_wanted)]


@router.post("", status_code=201, dependencies=[MANAGE, once(TENANT_TRANSACTION)])
def create_user(body: schemas.UserBody, people: Service, response: Response) -> schemas.UserView:
    """Create a user or a service account. Only an operator may give the roles operator and auditor."""
    if body.password is None:
        return _view(people.add(body.login, body.name, body.role, None, body.kind), response)
    with passwords.turn():
        return _view(people.add(body.login, body.name, body.role, body.password, body.kind), response)


@router.get("", dependencies=[READ])
def list_users(
    people: Service, wanted: Wanted, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.UserList:
    """List users, or those with a login, state, role, kind or group."""
    page = people.list(cursor, limit, wanted)
    return schemas.UserList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/{user_id}", dependencies=[READ])
def show_user(user_id: UUID, people: Service, response: Response) -> schemas.UserView:
    """Show a user."""
    return _view(people.show(user_id), response)


@router.patch("/{user_id}", dependencies=[MANAGE])
def change_user(
    user_id: UUID, body: schemas.UserChange, people: Service, response: Response, if_match: IfMatch = None
) -> schemas.UserView:
    """Change a user's name or role. The last active operator stays one (409)."""
    return _view(people.change(user_id, if_match, body.name, body.role), response)


@router.post("/{user_id}/suspend", dependencies=[MANAGE])
def suspend_user(user_id: UUID, people: Service, response: Response) -> schemas.UserView:
    """Suspend a user: within two seconds none of the credentials is accepted. Harmless to repeat."""
    return _view(people.suspend(user_id), response)


@router.post("/{user_id}/resume", dependencies=[MANAGE])
def resume_user(user_id: UUID, people: Service, response: Response) -> schemas.UserView:
    """Accept a suspended user's credentials again. Harmless to repeat."""
    return _view(people.resume(user_id), response)


@router.put("/{user_id}/password", status_code=204, dependencies=[MANAGE])
def set_password(user_id: UUID, body: schemas.PasswordBody, people: Service) -> None:
    """Set a person's password. Service accounts have none (422); a key with scopes may not do this (403)."""
    with passwords.turn():
        people.set_password(user_id, body.password)


def _view(user: User, response: Response | None = None) -> schemas.UserView:
    if response is not None:
        response.headers["etag"] = etags.tag(user.version)
    return schemas.UserView(**asdict(user))
