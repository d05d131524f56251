"""The gateway's part of the API description: FastAPI describes its own routes, and the gateway's are none of them."""

from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from appliance.serving import schemas
from appliance.serving.bodies import ChatBody, CompletionBody, EmbeddingBody
from appliance.serving.inference import CHAT, COMPLETIONS

_REF = "#/components/schemas/"
_HEADERS = {
    name: {"description": told, "schema": {"type": "string"}}
    for name, told in {
        "x-request-id": "What the log has this request under",
        "x-appliance-route": "The route that answered",
        "x-appliance-model-digest": "The sha256 of the model version that answered",
        "x-appliance-adapter-digest": "The sha256 of the adapter, where the route has one",
    }.items()
}
_FORMS: tuple[type[BaseModel], ...] = (ChatBody, CompletionBody, EmbeddingBody, schemas.RouteView, schemas.RouteList)
_STREAM = {"text/event-stream": {"schema": {"type": "string", "description": "Chunks, then `data: [DONE]`"}}}
_ANSWER: dict[str, Any] = {"type": "object", "description": "As OpenAI's API answers"}


def added(openapi: dict[str, Any]) -> None:
    """Add the gateway's addresses and forms to a description."""
    _, told = models_json_schema([(form, "validation") for form in _FORMS], ref_template=_REF + "{model}")
    schemas_of_all = openapi.setdefault("components", {}).setdefault("schemas", {})
    schemas_of_all |= told["$defs"]
    openapi["paths"] |= deepcopy(_PATHS)


def _operation(name: str, told: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": name.replace("_", " ").capitalize(),
        "description": told,
        "tags": ["gateway"],
        "responses": {"200": {"description": "Successful Response", "headers": _HEADERS, "content": content}},
    }


def _asked(name: str, told: str, form: type[BaseModel], *, streams: bool = True) -> dict[str, Any]:
    content = {"application/json": {"schema": _ANSWER}} | (_STREAM if streams else {})
    schema = {"$ref": _REF + form.__name__}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"post": _operation(name, told, content) | {"requestBody": body}}


def _told(name: str, told: str, form: type[BaseModel], *parameters: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REF + form.__name__}}}
    return {"get": _operation(name, told, content) | ({"parameters": list(parameters)} if parameters else {})}


_MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
_PATHS: dict[str, Any] = {
    CHAT: _asked(
        "chat_completion",
        "Answer a chat as OpenAI's API does, streamed or whole. Fields that are not listed are refused by name (400).",
        ChatBody,
    ),
    COMPLETIONS: _asked("completion", "Go on with a text, streamed or whole.", CompletionBody),
    "/v1/embeddings": _asked("embed", "Vectors of texts, from the encoder.", EmbeddingBody, streams=False),
    "/v1/models": _told("list_routes", "List the names that this key may send as `model`.", schemas.RouteList),
    "/v1/models/{model}": _told("show_route", "One of the names that may be sent.", schemas.RouteView, _MODEL),
}
