"""The request's dependency: tenants as the caller may act on them, bound by the licence."""

from typing import Annotated

from fastapi import Depends, Request

from appliance.access.web import Caller, TenantTx
from appliance.tenants.room import Room
from appliance.tenants.service import Tenants


def tenants(request: Request, session: TenantTx, principal: Caller) -> Tenants:
    """In the transaction for the tenant of the path."""
    room: Room = request.app.state.room
    return Tenants(session, principal, room)


TenantsHere = Annotated[Tenants, Depends(tenants)]
