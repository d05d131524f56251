"""Routes of routes: the names that callers send as ``model``, and where each leads. Translation only."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from appliance.access.permissions import Action
from appliance.access.web import Caller, TenantTx, allow
from appliance.audit.service import Audit
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.serving import adapters
from appliance.serving import schemas_operating as schemas
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.flipping import leads, waits_for
from appliance.serving.leading import Aim, Leading
from appliance.serving.routes import Lead, Route, Routes
from appliance.tenants import etags
from appliance.tenants.within import IfMatch

router = APIRouter(prefix="/api/v1/routes", tags=["routes"])
READ = allow(Action.READ_MODELS)
MANAGE = allow(Action.MANAGE_MODELS)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
Name = Annotated[str, Path(pattern=schemas.NAME, max_length=100)]


class Desk:
    """Reads and shows routes, as the caller may see them."""

    def __init__(self, session: TenantTx, principal: Caller, request: Request) -> None:
        self.session = session
        tenant = None if principal.role.of_the_appliance else principal.tenant
        self.routes, self._deployments = Routes(session, tenant), Deployments(session, tenant)
        self._known = adapters.of(request.app.state.settings)
        self.leading = Leading(session, Audit(session, principal.tenant, principal.user), self._known)

    def shown(self, route: Route, response: Response | None = None) -> schemas.RouteInfo:
        """One route."""
        if response is not None:
            response.headers["etag"] = etags.tag(route.version)
        return _view(route, {one.id: one for one in self._deployments.all()}, self._waits(route))

    def _waits(self, route: Route) -> str | None:
        found = self._known(self.session, {lead.adapter for lead in leads([route]) if lead.adapter})
        return waits_for(route.next or route.lead, {one.id: one for one in self._deployments.all()}, found)


At = Annotated[Desk, Depends(Desk)]


@router.get("", dependencies=[READ])
def list_named_routes(
    at: At, deployment: UUID | None = None, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.RouteInfoList:
    """List routes that the caller may use, or those that lead to a deployment; an operator or auditor sees all."""
    page = at.routes.list(cursor, limit, deployment)
    return schemas.RouteInfoList(items=[at.shown(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/{route_name}", dependencies=[READ])
def show_route(route_name: Name, at: At, response: Response) -> schemas.RouteInfo:
    """Show where a route leads, what is on trial, and what it waits for."""
    return at.shown(at.routes.one(route_name), response)


@router.put("/{route_name}", dependencies=[MANAGE])
def set_route(
    route_name: Name, body: schemas.RouteBody, at: At, response: Response, if_match: IfMatch = None
) -> schemas.RouteInfo:
    """Make a route, or lead one elsewhere once every engine there has what it needs (operator). ETag for a change."""
    aim = Aim(
        Lead(body.deployment_id, body.adapter_id),
        body.fallback_id,
        None if body.tenant_ids is None else frozenset(body.tenant_ids),
    )
    return at.shown(at.leading.set(route_name, if_match, aim), response)


@router.put("/{route_name}/canary", dependencies=[MANAGE])
def set_canary(
    route_name: Name, body: schemas.CanaryBody, at: At, response: Response, if_match: IfMatch = None
) -> schemas.RouteInfo:
    """Have a share of a route's conversations answered by something else; 0 percent ends that (operator)."""
    lead = Lead(body.deployment_id, body.adapter_id) if body.deployment_id else None
    return at.shown(at.leading.canary(route_name, if_match, lead, body.percent), response)


@router.post("/{route_name}/promote", dependencies=[MANAGE])
def promote_route(route_name: Name, at: At, response: Response, if_match: IfMatch = None) -> schemas.RouteInfo:
    """Lead a route to what was on trial (operator)."""
    return at.shown(at.leading.promote(route_name, if_match), response)


@router.post("/{route_name}/rollback", dependencies=[MANAGE])
def roll_route_back(route_name: Name, at: At, response: Response, if_match: IfMatch = None) -> schemas.RouteInfo:
    """Lead a route to where it led before its last flip (operator)."""
    return at.shown(at.leading.undo(route_name, if_match), response)


@router.delete("/{route_name}", status_code=204, dependencies=[MANAGE])
def delete_route(route_name: Name, at: At) -> None:
    """Delete a route (operator)."""
    at.leading.delete(route_name)


def _view(route: Route, deployments: Mapping[UUID, Deployment], waits: str | None) -> schemas.RouteInfo:
    def told(lead: Lead) -> schemas.LeadView:
        known_as = deployments[lead.deployment].name if lead.deployment in deployments else None
        return schemas.LeadView(deployment_id=lead.deployment, deployment=known_as, adapter_id=lead.adapter)

    return schemas.RouteInfo(
        id=route.id,
        name=route.name,
        lead=told(route.lead),
        next=told(route.next) if route.next else None,
        waits_for=waits,
        canary=told(route.canary) if route.canary else None,
        canary_percent=route.percent,
        fallback=told(Lead(route.fallback)) if route.fallback else None,
        former=told(route.former) if route.former else None,
        everyone=route.everyone,
        tenant_ids=sorted(route.tenants),
        version=route.version,
        created_at=route.created_at,
    )
