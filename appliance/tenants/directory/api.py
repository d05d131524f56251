"""Routes of a tenant's directory: translation only."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from appliance.access.permissions import Action
from appliance.access.principal import TenantId
from appliance.access.web import TENANT_TRANSACTION, Caller, Databases, TenantTx
from appliance.audit.service import Audit
from appliance.tenants import etags
from appliance.tenants.directory import schemas, tasks, tokens
from appliance.tenants.directory.api_scim import ROOT
from appliance.tenants.directory.configuring import Connection, Connections
from appliance.tenants.directory.ldap_desk import LdapDesk
from appliance.tenants.directory.settings import LdapSettings, OidcSettings, stored
from appliance.tenants.directory.signing_in import OidcSignIns
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import IfMatch, within

router = APIRouter(prefix="/tenants/{tenant_id}/directory", tags=["directory"], route_class=OnceRoute)
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
SET = within(Action.MANAGE_TENANTS)
"""It names hosts that this server reaches, so it is an operator's."""
UNREADABLE: dict[int | str, dict[str, Any]] = {409: {}}
"""Of a GET: what is stored may be another version's."""
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


def _desk(request: Request) -> LdapDesk:
    desk: LdapDesk = request.app.state.ldap
    return desk


def _own(tenant_id: UUID, request: Request) -> Iterator[Session]:
    """A transaction of the tenant of the path: an operator's own login writes no jobs."""
    databases: Databases = request.app.state.databases
    with databases.app.session(tenant_id) as session:
        yield session


Service = Annotated[Connections, Depends(_connections)]
Desk = Annotated[LdapDesk, Depends(_desk)]
Own = Annotated[Session, Depends(_own, scope="function")]
MOST_SHOWN = 1000


@router.put("/oidc", dependencies=[SET])
def set_oidc(
    tenant_id: UUID, body: schemas.OidcBody, connections: Service, response: Response, if_match: IfMatch = None
) -> schemas.OidcView:
    """Set the tenant's OIDC provider up, or replace its settings (operator). If-Match once there is one."""
    settings = body.model_dump(mode="json", exclude={"client_secret"})
    return _oidc(tenant_id, connections.put("oidc", if_match, settings, body.client_secret), response)


@router.get("/oidc", dependencies=[READ], responses=UNREADABLE)
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
    provider = signing_in.fresh(found, stored(OidcSettings, found.settings))
    metadata = provider.metadata()
    return schemas.OidcTestView(
        issuer=metadata.issuer,
        authorization_endpoint=metadata.authorization_endpoint,
        keys=len(provider.keys().keys),
    )


def _oidc(tenant: UUID, found: Connection, response: Response) -> schemas.OidcView:
    response.headers["etag"] = etags.tag(found.version)
    settings = stored(OidcSettings, found.settings)
    return schemas.OidcView(
        settings=settings,
        has_secret=found.has_secret,
        redirect_uri=settings.redirect_uri,
        start_url=f"{settings.public_url.rstrip('/')}/api/v1/oidc/{tenant}/start",
        version=found.version,
        changed_at=found.changed_at,
    )


@router.put("/ldap", dependencies=[SET])
def set_ldap(
    body: schemas.LdapBody, connections: Service, response: Response, if_match: IfMatch = None
) -> schemas.LdapView:
    """Set the tenant's LDAP directory up, or replace its settings (operator). If-Match once there is one."""
    settings = body.model_dump(mode="json", exclude={"bind_password"})
    return _ldap(connections.put("ldap", if_match, settings, body.bind_password), response)


@router.get("/ldap", dependencies=[READ], responses=UNREADABLE)
def show_ldap(connections: Service, response: Response) -> schemas.LdapView:
    """Show how the tenant's LDAP directory is set up, never its password."""
    return _ldap(connections.show("ldap"), response)


@router.delete("/ldap", status_code=204, dependencies=[SET])
def delete_ldap(connections: Service) -> None:
    """Forget the tenant's LDAP directory (operator): nobody signs in by it any more; people and groups stay."""
    connections.delete("ldap")


@router.post("/ldap/test", dependencies=[MANAGE])
def test_ldap(tenant_id: UUID, desk: Desk) -> schemas.LdapTestView:
    """Read the directory as a sync would, and count."""
    found = desk.look(tenant_id)
    return schemas.LdapTestView(users=len(found.members), groups=found.groups, unusable=found.unusable)


@router.post("/ldap/preview", dependencies=[MANAGE])
def preview_ldap(tenant_id: UUID, desk: Desk) -> schemas.PreviewView:
    """Tell what a sync would change; nothing is changed."""
    changes = desk.preview(tenant_id)
    items = [
        schemas.ChangeView(act=each.act, login=each.login, user_id=each.user, detail=each.detail)
        for each in changes[:MOST_SHOWN]
    ]
    return schemas.PreviewView(items=items, total=len(changes))


@router.post("/ldap/sync", status_code=202, dependencies=[MANAGE, once(TENANT_TRANSACTION)])
def sync_ldap(tenant_id: UUID, session: Own, principal: Caller, connections: Service) -> schemas.SyncView:
    """Bring the tenant's people to what its directory says: a job."""
    connections.show("ldap")
    job = tasks.ask(session, TenantId(tenant_id), principal.user)
    Audit(session, tenant_id, principal.user).record("directory.sync", job, directory="ldap")
    return schemas.SyncView(job=job)


def _ldap(found: Connection, response: Response) -> schemas.LdapView:
    response.headers["etag"] = etags.tag(found.version)
    return schemas.LdapView(
        settings=stored(LdapSettings, found.settings),
        has_secret=found.has_secret,
        version=found.version,
        changed_at=found.changed_at,
        synced_at=found.synced_at,
    )
