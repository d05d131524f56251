"""Routes of deployments: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, TenantTx, allow
from appliance.audit.service import Audit
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings
from appliance.licensing.asking import Licences
from appliance.serving import adapters, logs
from appliance.serving import schemas_operating as schemas
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.operating import Operating, Wish
from appliance.tenants import etags
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import IfMatch

router = APIRouter(prefix="/api/v1/deployments", tags=["deployments"], route_class=OnceRoute)
READ = allow(Action.READ_MODELS)
MANAGE = allow(Action.MANAGE_MODELS)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _operating(request: Request, session: TenantTx, principal: Caller) -> Operating:
    licences: Licences = request.app.state.licences
    return Operating(
        session, Audit(session, principal.tenant, principal.user), licences.now, adapters.of(request.app.state.settings)
    )


def _deployments(session: TenantTx, principal: Caller) -> Deployments:
    return Deployments(session, None if principal.role.of_the_appliance else principal.tenant)


Operator = Annotated[Operating, Depends(_operating)]
Reader = Annotated[Deployments, Depends(_deployments)]


@router.post("", status_code=201, dependencies=[MANAGE, once(TENANT_TRANSACTION)])
def create_deployment(body: schemas.DeploymentBody, operating: Operator, response: Response) -> schemas.DeploymentView:
    """Create a deployment of a model version; the engine host starts it (operator)."""
    wish = Wish(body.engine, body.replicas)
    return _view(operating.create(body.name, body.model_id, wish), response)


@router.get("", dependencies=[READ])
def list_deployments(
    deployments: Reader, name: str | None = None, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.DeploymentList:
    """List deployments, or the one of a name, with what the engine host last saw of each."""
    page = deployments.list(cursor, limit, name)
    return schemas.DeploymentList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/{deployment_id}", dependencies=[READ])
def show_deployment(deployment_id: UUID, deployments: Reader, response: Response) -> schemas.DeploymentView:
    """Show a deployment, its replicas, and why each runs where it does."""
    return _view(deployments.one(deployment_id), response)


@router.patch("/{deployment_id}", dependencies=[MANAGE])
def update_deployment(
    deployment_id: UUID,
    body: schemas.DeploymentChange,
    operating: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.DeploymentView:
    """Change engine settings or the number of replicas, without a gap (operator)."""
    return _view(operating.update(deployment_id, if_match, Wish(body.engine, body.replicas)), response)


@router.post("/{deployment_id}/start", dependencies=[MANAGE])
def start_deployment(deployment_id: UUID, operating: Operator, response: Response) -> schemas.DeploymentView:
    """Start a deployment, or try at once what failed and waits (operator). Harmless to repeat."""
    return _view(operating.start(deployment_id), response)


@router.post("/{deployment_id}/stop", dependencies=[MANAGE])
def stop_deployment(deployment_id: UUID, operating: Operator, response: Response) -> schemas.DeploymentView:
    """Stop a deployment after it has finished what it has begun (operator). Harmless to repeat."""
    return _view(operating.stop(deployment_id), response)


@router.post("/{deployment_id}/swap", dependencies=[MANAGE])
def swap_deployment(
    deployment_id: UUID, body: schemas.SwapBody, operating: Operator, response: Response, if_match: IfMatch = None
) -> schemas.DeploymentView:
    """Have another model version take over without a gap (operator)."""
    return _view(operating.swap(deployment_id, if_match, body.model_id, Wish(body.engine)), response)


@router.post("/{deployment_id}/rollback", dependencies=[MANAGE])
def roll_deployment_back(
    deployment_id: UUID, operating: Operator, response: Response, if_match: IfMatch = None
) -> schemas.DeploymentView:
    """Have the version before the last swap take over again, without a gap (operator)."""
    return _view(operating.undo(deployment_id, if_match), response)


@router.delete("/{deployment_id}", status_code=204, dependencies=[MANAGE])
def delete_deployment(deployment_id: UUID, operating: Operator) -> None:
    """Delete a deployment that no route leads to; its engines finish what they have begun (operator)."""
    operating.delete(deployment_id)


@router.get("/{deployment_id}/logs", dependencies=[MANAGE])
def read_logs(
    deployment_id: UUID,
    deployments: Reader,
    request: Request,
    lines: Annotated[int, Query(ge=1, le=logs.MOST)] = 200,
) -> schemas.LogList:
    """Read the last lines that each replica's engine wrote (operator)."""
    settings: Settings = request.app.state.settings
    members = deployments.one(deployment_id).members
    items = [schemas.LogView(replica_id=one.id, lines=logs.tail(settings.layout, one, lines)) for one in members]
    return schemas.LogList(items=items)


def _view(found: Deployment, response: Response | None = None) -> schemas.DeploymentView:
    if response is not None:
        response.headers["etag"] = etags.tag(found.edition)
    return schemas.DeploymentView(
        id=found.id,
        name=found.name,
        model=found.version.name,
        model_id=found.version.id,
        digest=found.version.digest,
        serving_digest=found.serving.digest if found.replicas else None,
        engine=dict(found.engine),
        wanted_replicas=found.wanted,
        desired=found.desired,
        actual=found.actual,
        reason=found.reason,
        restarts=found.restarts,
        actual_since=found.actual_since,
        routes=list(found.routes),
        replicas=[schemas.ReplicaView.model_validate(asdict(member)) for member in found.members],
        former_model_id=found.former["model_version"] if found.former else None,
        version=found.edition,
    )
