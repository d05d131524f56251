"""Dependencies of routes under ``/tenants/{tenant_id}``: may the caller do this there; what is changed is which.

Operator and auditor name any tenant. For all others it must be their own: any other is not found, word for word as one
that does not exist.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Header, params

from appliance.access.permissions import Action, allowed, require
from appliance.access.web import Caller
from appliance.tenants.errors import TenantNotFound


def within(action: Action) -> params.Depends:
    """Let those through who may do this in the tenant of the path: else 403; 404 for who may only in the own one."""

    def check(tenant_id: UUID, principal: Caller) -> None:
        if not allowed(principal, action, tenant_id):
            require(principal, action)
            raise TenantNotFound

    return params.Depends(check)


IfMatch = Annotated[
    str | None, Header(description="The ETag of what is changed, as it was read: 428 without it, 412 for an old one.")
]
