"""Routes of the API keys of a tenant's users: translation only."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, TenantTx
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.tenants import people_schemas as schemas
from appliance.tenants.keys import Issued, Key, Keys, Limits, Succeed
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.web import TenantsHere
from appliance.tenants.within import within

router = APIRouter(prefix="/tenants/{tenant_id}", route_class=OnceRoute)
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
ONCE = once(TENANT_TRANSACTION, secret="key")  # noqa: S106 - the name of the member, not a secret
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _keys(tenant_id: UUID, tenants: TenantsHere) -> Keys:
    return tenants.keys(tenant_id)


Service = Annotated[Keys, Depends(_keys)]


@router.post("/users/{user_id}/keys", status_code=201, dependencies=[MANAGE, ONCE])
def create_key(user_id: UUID, body: schemas.KeyBody, keys: Service) -> schemas.NewKeyView:
    """Create an API key for a user; the answer holds it, shown this once."""
    limits = Limits(
        frozenset(body.scopes) if body.scopes else None,
        frozenset(body.models) if body.models else None,
        body.expires_at,
    )
    return _new(keys.create(user_id, body.name, limits))


@router.get("/keys", dependencies=[READ])
def list_keys(
    keys: Service, user: UUID | None = None, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.KeyList:
    """List API keys, or those of one user; never their secrets. ``last_used_at`` is exact to a minute."""
    page = keys.list(cursor, limit, user)
    return schemas.KeyList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/keys/{key_id}", dependencies=[READ])
def show_key(key_id: UUID, keys: Service) -> schemas.KeyView:
    """Show an API key, never its secret."""
    return _view(keys.show(key_id))


@router.delete("/keys/{key_id}", dependencies=[MANAGE])
def revoke_key(key_id: UUID, keys: Service) -> schemas.KeyView:
    """Revoke an API key: within two seconds it is not accepted any more. Harmless to repeat."""
    return _view(keys.revoke(key_id))


@router.post("/keys/{key_id}/rotate", status_code=201, dependencies=[MANAGE, ONCE])
def rotate_key(
    key_id: UUID, body: schemas.RotateBody, keys: Service, session: TenantTx, request: Request
) -> schemas.NewKeyView:
    """Make a new key with the same limits and quota, shown this once; the old one ends after the overlap."""
    issued = keys.rotate(key_id, timedelta(hours=body.overlap_hours))
    succeed: Succeed = request.app.state.succeed
    succeed(session, key_id, issued.key.id)
    return _new(issued)


def _view(key: Key) -> schemas.KeyView:
    return schemas.KeyView(**asdict(key))


def _new(issued: Issued) -> schemas.NewKeyView:
    return schemas.NewKeyView(**asdict(issued.key), key=issued.secret)
