"""Routes of a tenant's groups: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.tenants import etags
from appliance.tenants import people_schemas as schemas
from appliance.tenants.groups import Group, Groups
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.web import TenantsHere
from appliance.tenants.within import IfMatch, within

router = APIRouter(prefix="/tenants/{tenant_id}/groups", route_class=OnceRoute)
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _groups(tenant_id: UUID, tenants: TenantsHere) -> Groups:
    return tenants.groups(tenant_id)


Service = Annotated[Groups, Depends(_groups)]


@router.post("", status_code=201, dependencies=[MANAGE, once(TENANT_TRANSACTION)])
def create_group(body: schemas.GroupBody, groups: Service, response: Response) -> schemas.GroupView:
    """Create a group."""
    return _view(groups.create(body.name), response)


@router.get("", dependencies=[READ])
def list_groups(
    groups: Service, name: str | None = None, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.GroupList:
    """List groups, or the one of a name. Its members: the list of users, filtered by group."""
    page = groups.list(cursor, limit, name)
    return schemas.GroupList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/{group_id}", dependencies=[READ])
def show_group(group_id: UUID, groups: Service, response: Response) -> schemas.GroupView:
    """Show a group."""
    return _view(groups.show(group_id), response)


@router.patch("/{group_id}", dependencies=[MANAGE])
def rename_group(
    group_id: UUID, body: schemas.GroupBody, groups: Service, response: Response, if_match: IfMatch = None
) -> schemas.GroupView:
    """Rename a group; access lists go on naming it."""
    return _view(groups.rename(group_id, if_match, body.name), response)


@router.delete("/{group_id}", status_code=204, dependencies=[MANAGE])
def delete_group(group_id: UUID, groups: Service) -> None:
    """Delete a group. What only its members could read, nobody can read until its access list is changed."""
    groups.delete(group_id)


@router.put("/{group_id}/members/{user_id}", status_code=204, dependencies=[MANAGE])
def add_member(group_id: UUID, user_id: UUID, groups: Service) -> None:
    """Make a user a member of a group. Harmless to repeat."""
    groups.add(group_id, user_id)


@router.delete("/{group_id}/members/{user_id}", status_code=204, dependencies=[MANAGE])
def remove_member(group_id: UUID, user_id: UUID, groups: Service) -> None:
    """Take a user out of a group: within two seconds what only the group may read is closed. Harmless to repeat."""
    groups.remove(group_id, user_id)


def _view(group: Group, response: Response | None = None) -> schemas.GroupView:
    if response is not None:
        response.headers["etag"] = etags.tag(group.version)
    return schemas.GroupView(**asdict(group))
