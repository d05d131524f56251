"""Routes of deployments, and the OpenAI-compatible gateway: translation only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from appliance.access.permissions import Action
from appliance.access.web import Caller, allow
from appliance.kit.errors import TooLarge
from appliance.serving import api_deployments, api_routes, completions, schemas
from appliance.serving.gateway import Passage
from appliance.serving.service import Engines

router = APIRouter(tags=["serving"])

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


for each in (api_deployments.router, api_routes.router):
    router.include_router(each)
