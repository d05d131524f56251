"""Routes of deployments, and the OpenAI-compatible gateway: translation only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx, allow
from appliance.kit.errors import TooLarge
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.serving import completions, schemas
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.gateway import Passage
from appliance.serving.service import Engines

router = APIRouter(tags=["serving"])

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
LARGEST_BODY = 2 * 1024 * 1024
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "required": ["model", "messages"]}}},
    }
}


def engines(request: Request) -> Engines:
    """The engines of this process."""
    found: Engines = request.app.state.engines
    return found


Running = Annotated[Engines, Depends(engines)]


@router.get("/api/v1/deployments", dependencies=[allow(Action.READ_MODELS)])
def list_deployments(session: Tx, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT) -> schemas.DeploymentList:
    """List deployments, with what the engine host last saw of each."""
    page = Deployments(session).list(cursor, limit)
    return schemas.DeploymentList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/v1/models", dependencies=[allow(Action.ASK)])
def list_routes(running: Running, principal: Caller) -> schemas.RouteList:
    """List the names that may be sent as ``model`` with this key."""
    usable = [target for target in running.directory.all(principal.tenant) if principal.may_use(target.route)]
    routes = [schemas.RouteView(id=x.route, created=int(x.created_at.timestamp())) for x in usable]
    return schemas.RouteList(data=routes)


@router.post("/v1/chat/completions", dependencies=[allow(Action.ASK)], openapi_extra=_BODY, response_model=None)
async def chat_completions(request: Request, principal: Caller, running: Running) -> Passage:
    """Answer a chat as OpenAI's API does, streamed or whole. Fields that are not listed are refused by name (400)."""
    body = completions.read(await _bounded(request))
    return Passage(
        running, await running.find(body.model, principal.tenant, body.user or principal.user.hex), body, principal
    )


async def _bounded(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            raise TooLarge(f"a request may have {LARGEST_BODY} bytes")
    return bytes(raw)


def _view(deployment: Deployment) -> schemas.DeploymentView:
    return schemas.DeploymentView(
        id=deployment.id,
        name=deployment.name,
        model=deployment.version.name,
        digest=deployment.version.digest,
        desired=deployment.desired,
        actual=deployment.actual,
        reason=deployment.reason,
        restarts=deployment.restarts,
        actual_since=deployment.actual_since,
        routes=list(deployment.routes),
    )
