"""SCIM 2.0 (RFC 7643, 7644) at ``/scim/v2``: translation only.

The tenant is that of the token: an API key with the one scope ``provision_users`` and no other, so that neither a
browser's session nor an administrator's key can be used here, nor the token anywhere else.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, params

from appliance.access.permissions import Action, require
from appliance.access.principal import Principal
from appliance.access.web import Caller, Tx
from appliance.kit.errors import Forbidden
from appliance.tenants.directory.scim_described import (
    ANSWER,
    GROUP,
    LIST,
    MEANING,
    MEDIA_TYPE,
    PATCH,
    PATCHED,
    SEARCH,
    USER,
    error,
    gives,
    takes,
)
from appliance.tenants.room import Room
from appliance.tenants.schemas import ID

ROOT = "/scim/v2"
SCOPE = frozenset({Action.PROVISION_USERS.value})


def provisioner(principal: Caller) -> Principal:
    """The caller, if the key is a SCIM token. Raises :class:`Forbidden`."""
    require(principal, Action.PROVISION_USERS)
    if principal.scopes != SCOPE:
        raise Forbidden("only a SCIM token is good here: a key with the one scope provision_users")
    return principal


async def body(request: Request) -> bytes:
    """The body, read where it may be awaited."""
    return await request.body()


Provisioner = Annotated[Principal, Depends(provisioner)]
Body = Annotated[bytes, Depends(body)]


class Call:
    """One request over SCIM in the caller's transaction."""

    def __init__(self, request: Request, principal: Provisioner, session: Tx, content: Body) -> None:
        self._request = request
        self._principal = principal
        self._session = session
        self._content = content

    def __call__(self) -> Response:
        """The protocol's answer, errors too; what was refused is rolled back to its savepoint and recorded."""
        from appliance.tenants.directory import scim_desk  # noqa: PLC0415 - a second, for those whose directory speaks SCIM

        room: Room = self._request.app.state.room
        return scim_desk.answer(
            scim_desk.Asked(self._request, ROOT, self._content), self._session, self._principal, room
        )


OneId = Annotated[str, Path(examples=[ID])]


def _named(scim_name: Annotated[str, Path(examples=["User"])]) -> str:
    return scim_name


def _one_user(scim_user_id: OneId) -> str:
    return scim_user_id


def _one_group(scim_group_id: OneId) -> str:
    return scim_group_id


def _listed(
    wanted: Annotated[str | None, Query(alias="filter", description="RFC 7644 §3.4.2.2")] = None,
    begin: Annotated[int | None, Query(alias="startIndex", description="The first is 1")] = None,
    count: Annotated[int | None, Query(description="Resources in the page")] = None,
) -> tuple[str | None, int | None, int | None]:
    return wanted, begin, count


Ask = Annotated[Call, Depends()]
# The protocol's library reads path and query; these say for the description, and to FastAPI, what they hold.
NAMED, ONE_USER, ONE_GROUP, LISTED = (params.Depends(one) for one in (_named, _one_user, _one_group, _listed))


class ScimAnswer(Response):
    """Any answer over SCIM."""

    media_type = MEDIA_TYPE


router = APIRouter(
    prefix=ROOT,
    tags=["scim"],
    default_response_class=ScimAnswer,
    responses={status: error(status) for status in MEANING},
)


@router.get("/ServiceProviderConfig", responses=gives(LIST))
def scim_service_provider_config(ask: Ask) -> Response:
    """What this SCIM service can do (RFC 7643 §5)."""
    return ask()


@router.get("/ResourceTypes", responses=gives(LIST))
def scim_resource_types(ask: Ask) -> Response:
    """The kinds of resources: User and Group (RFC 7643 §6)."""
    return ask()


@router.get("/ResourceTypes/{scim_name}", dependencies=[NAMED], responses=gives(ANSWER))
def scim_resource_type(ask: Ask) -> Response:
    """One kind of resource."""
    return ask()


@router.get("/Schemas", responses=gives(LIST))
def scim_schemas(ask: Ask) -> Response:
    """The attributes of users and groups (RFC 7643 §7)."""
    return ask()


@router.get("/Schemas/{scim_name}", dependencies=[NAMED], responses=gives(ANSWER))
def scim_schema(ask: Ask) -> Response:
    """One schema, by its URN."""
    return ask()


@router.post("/.search", openapi_extra=takes(SEARCH), responses=gives(LIST))
def scim_search(ask: Ask) -> Response:
    """List users and groups by a filter in the body."""
    return ask()


@router.post("/Users", status_code=201, openapi_extra=takes(USER), responses=gives(ANSWER, 201))
def scim_create_user(ask: Ask) -> Response:
    """Create a user, adopt one of the same login, or bring a former one back."""
    return ask()


@router.get("/Users", dependencies=[LISTED], responses=gives(LIST))
def scim_list_users(ask: Ask) -> Response:
    """List the users that the directory answers for: `filter` as in RFC 7644 §3.4.2.2, pages by `startIndex`."""
    return ask()


@router.post("/Users/.search", openapi_extra=takes(SEARCH), responses=gives(LIST))
def scim_search_users(ask: Ask) -> Response:
    """List users by a filter in the body, which no log keeps (RFC 7644 §3.4.3)."""
    return ask()


@router.get("/Users/{scim_user_id}", dependencies=[ONE_USER], responses=gives(ANSWER))
def scim_show_user(ask: Ask) -> Response:
    """Show a user."""
    return ask()


@router.put("/Users/{scim_user_id}", dependencies=[ONE_USER], openapi_extra=takes(USER), responses=gives(ANSWER))
def scim_replace_user(ask: Ask) -> Response:
    """Replace a user; `active` false suspends, and within two seconds no credential is accepted."""
    return ask()


@router.patch("/Users/{scim_user_id}", dependencies=[ONE_USER], openapi_extra=takes(PATCH), responses=PATCHED)
def scim_patch_user(ask: Ask) -> Response:
    """Change a user (RFC 7644 §3.5.2)."""
    return ask()


@router.delete("/Users/{scim_user_id}", dependencies=[ONE_USER], status_code=204)
def scim_delete_user(ask: Ask) -> Response:
    """Suspend a user, take all groups away, and show it no more. The last operator stays (409)."""
    return ask()


@router.post("/Groups", status_code=201, openapi_extra=takes(GROUP), responses=gives(GROUP, 201))
def scim_create_group(ask: Ask) -> Response:
    """Create a group."""
    return ask()


@router.get("/Groups", dependencies=[LISTED], responses=gives(LIST))
def scim_list_groups(ask: Ask) -> Response:
    """List the groups that the directory answers for."""
    return ask()


@router.post("/Groups/.search", openapi_extra=takes(SEARCH), responses=gives(LIST))
def scim_search_groups(ask: Ask) -> Response:
    """List groups by a filter in the body."""
    return ask()


@router.get("/Groups/{scim_group_id}", dependencies=[ONE_GROUP], responses=gives(GROUP))
def scim_show_group(ask: Ask) -> Response:
    """Show a group and its members."""
    return ask()


@router.put("/Groups/{scim_group_id}", dependencies=[ONE_GROUP], openapi_extra=takes(GROUP), responses=gives(GROUP))
def scim_replace_group(ask: Ask) -> Response:
    """Replace a group, its members too."""
    return ask()


@router.patch("/Groups/{scim_group_id}", dependencies=[ONE_GROUP], openapi_extra=takes(PATCH), responses=PATCHED)
def scim_patch_group(ask: Ask) -> Response:
    """Change a group; who is removed loses what only the group may read within two seconds."""
    return ask()


@router.delete("/Groups/{scim_group_id}", dependencies=[ONE_GROUP], status_code=204)
def scim_delete_group(ask: Ask) -> Response:
    """Delete a group. What only its members could read, nobody can."""
    return ask()
