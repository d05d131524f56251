"""Routes of a tenant's directory: translation only."""

from uuid import UUID

from fastapi import APIRouter

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, TenantTx
from appliance.tenants.directory import schemas, tokens
from appliance.tenants.directory.api_scim import ROOT
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import within

router = APIRouter(prefix="/tenants/{tenant_id}/directory", tags=["directory"], route_class=OnceRoute)
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
ONCE = once(TENANT_TRANSACTION, secret="key")  # noqa: S106 - the name of the member, not a secret


@router.post("/scim/tokens", status_code=201, dependencies=[MANAGE, ONCE])
def create_scim_token(
    tenant_id: UUID, body: schemas.ScimTokenBody, session: TenantTx, principal: Caller
) -> schemas.ScimTokenView:
    """Make a token for SCIM; the answer holds it, shown this once."""
    made = tokens.issue(session, principal, tenant_id, body.name, body.expires_at)
    return schemas.ScimTokenView(
        key_id=made.key.id,
        user_id=made.key.user_id,
        name=made.key.name,
        path=ROOT,
        key=made.secret,
        expires_at=made.key.expires_at,
    )
