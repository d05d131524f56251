"""Routes of a tenant's directory: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, TenantTx
from appliance.tenants import etags
from appliance.tenants.directory import schemas, tokens
from appliance.tenants.directory.api_scim import ROOT
from appliance.tenants.directory.configuring import Connection, Connections
from appliance.tenants.directory.settings import OidcSettings
from appliance.tenants.directory.signing_in import OidcSignIns
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import IfMatch, within

router = APIRouter(prefix="/tenants/{tenant_id}/directory", tags=["directory"], route_class=OnceRoute)
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
SET = within(Action.MANAGE_TENANTS)
"""It names hosts that this server reaches, so it is an operator's."""
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


def _connections(tenant_id: UUID, session: TenantTx, principal: Caller, request: Request) -> Connections:
    signing_in: OidcSignIns = request.app.state.oidc
    return Connections(session, tenant_id, signing_in.seal, principal)


Service = Annotated[Connections, Depends(_connections)]


@router.put("/oidc", dependencies=[SET])
def set_oidc(
    tenant_id: UUID, body: schemas.OidcBody, connections: Service, response: Response, if_match: IfMatch = None
) -> schemas.OidcView:
    """Set the tenant's OIDC provider up, or replace its settings (operator). If-Match once there is one."""
    settings = body.model_dump(mode="json", exclude={"client_secret"})
    return _oidc(tenant_id, connections.put("oidc", if_match, settings, body.client_secret), response)


@router.get("/oidc", dependencies=[READ])
def show_oidc(tenant_id: UUID, connections: Service, response: Response) -> schemas.OidcView:
    """Show how the tenant's OIDC provider is set up, never its secret."""
    return _oidc(tenant_id, connections.show("oidc"), response)


@router.delete("/oidc", status_code=204, dependencies=[SET])
def delete_oidc(connections: Service) -> None:
    """Forget the tenant's OIDC provider (operator): nobody signs in by it any more; people and groups stay."""
    connections.delete("oidc")


@router.post("/oidc/test", dependencies=[MANAGE])
def test_oidc(connections: Service, request: Request) -> schemas.OidcTestView:
    """Ask the provider for its description and its keys, as a sign-in would."""
    signing_in: OidcSignIns = request.app.state.oidc
    found = connections.open("oidc")
    provider = signing_in.fresh(found, OidcSettings.model_validate(found.settings))
    metadata = provider.metadata()
    return schemas.OidcTestView(
        issuer=metadata.issuer,
        authorization_endpoint=metadata.authorization_endpoint,
        keys=len(provider.keys().keys),
    )


def _oidc(tenant: UUID, found: Connection, response: Response) -> schemas.OidcView:
    response.headers["etag"] = etags.tag(found.version)
    settings = OidcSettings.model_validate(found.settings)
    return schemas.OidcView(
        settings=settings,
        has_secret=found.has_secret,
        redirect_uri=settings.redirect_uri,
        start_url=f"{settings.public_url.rstrip('/')}/api/v1/oidc/{tenant}/start",
        version=found.version,
        changed_at=found.changed_at,
    )
