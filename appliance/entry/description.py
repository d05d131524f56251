"""The API's description, completed in one place: what each operation may refuse, how one signs in, an example.

FastAPI describes what a route returns. What the edge answers for it (problem+json of RFC 9457, by the status of the
error tree) is the same for all routes, so no route declares it. One that does keeps what it says; one that refuses in a
way that its kind does not tell names the status alone: ``responses={409: {}}``.
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from appliance.entry.examples import Examples, NoExample
from appliance.entry.samples import MEDIA
from appliance.kit import errors

PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
_Operation = dict[str, Any]

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "What was refused or failed (RFC 9457). Further members depend on the code.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "advice", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$", "description": "Stable; docs/reference/errors.md"},
        "detail": {"type": "string", "description": "What happened"},
        "advice": {"type": "string", "description": "What to do next"},
        "instance": {"type": "string", "description": "The path that was asked"},
    },
}
MEANING: Final[dict[int, str]] = {
    400: "The request is malformed",
    401: "No valid credential came with the request",
    403: "The credential does not allow this act",
    404: "There is no such thing here; also what belongs to another tenant",
    409: "It cannot be done in the present state",
    412: "It was changed since the ETag of If-Match was read",
    413: "It is larger than this appliance takes",
    415: "This kind of file is not accepted",
    422: "The request is understood but not acceptable; nothing was changed",
    428: "A change needs If-Match",
    429: "You are over your share",
    503: "We are full or something is down",
}
_BY_NAME: Final = frozenset(map(str, MEANING))
SECURITY: Final[dict[str, Any]] = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-appliance",
        "description": "A browser's session ('appliance' without TLS); changes carry X-CSRF-Token",
    },
}
_HEADERS: Final[dict[int, str]] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


class Described(FastAPI):
    """An application whose description is whole. ``open_paths`` ask for no credential.

    ``besides`` adds what is not FastAPI's own to its description.
    """

    open_paths: frozenset[str] = frozenset()
    besides: Callable[[dict[str, Any]], None] | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Without Starlette's outermost layer: what nobody caught the edge answers, and each layer costs."""
        whole = super().build_middleware_stack()
        return whole.app if isinstance(whole, ServerErrorMiddleware) else whole

    def openapi(self) -> dict[str, Any]:
        """The description, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            if self.besides is not None:
                self.besides(document)
            complete(document, self.open_paths)
        return super().openapi()


def complete(document: dict[str, Any], open_paths: frozenset[str]) -> None:
    """Add to FastAPI's description what it cannot know."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):  # the edge tells these as problems too
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["responses"] = {_name(status): _response(status) for status in MEANING}
    components["securitySchemes"] = SECURITY
    examples = Examples(schemas)
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            open_ = path in open_paths
            if not open_:
                operation["security"] = [{each: []} for each in SECURITY]
            _refusals(operation, set(_statuses(operation, verb, open_=open_)))
            _show(operation, examples)


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _response(status: int) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    answer: dict[str, Any] = {
        "description": MEANING[status],
        "content": {PROBLEM: {"schema": reference, "example": _example(status)}},
    }
    if status in _HEADERS:
        answer["headers"] = {_HEADERS[status]: {"schema": {"type": "string"}}}
    return answer


def _example(status: int) -> dict[str, object]:
    """As the class of the error tree tells it that has this status."""
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.ApplianceError) and kind.status == status:
            return kind().problem("/api/v1/…")
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    bare = errors.ApplianceError(MEANING[status]).problem("/api/v1/…")
    return {**bare, "type": f"about:blank#{code}", "title": code.replace("_", " "), "status": status, "code": code}


def _statuses(operation: _Operation, verb: str, *, open_: bool) -> Iterator[int]:
    """Which refusals this operation may answer with."""
    parameters = {each["name"].lower() for each in operation.get("parameters", [])}
    takes = bool(parameters) or "requestBody" in operation
    yield 503
    if not open_:
        yield from (401, 403, 429)
    if takes:
        yield from (400, 422)
    if verb != "get":
        yield from (401, 409, 429)
    if takes or verb != "get":
        yield 404
    if "requestBody" in operation:
        yield 413
    if FORM in operation.get("requestBody", {}).get("content", {}):
        yield 415
    if "if-match" in parameters:
        yield from (412, 428)


def _refusals(operation: _Operation, statuses: set[int]) -> None:
    answers = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    named = {int(status) for status, answer in answers.items() if status in _BY_NAME and "content" not in answer}
    for status in named:  # a route names a refusal that only it has: what it looks like is the same for all
        del answers[str(status)]
    for status in sorted(statuses | named):
        answers.setdefault(str(status), {"$ref": f"#/components/responses/{_name(status)}"})
    operation["responses"] = dict(sorted(answers.items()))


def _show(operation: _Operation, examples: Examples) -> None:
    """An example of whatever goes in and comes out. What nobody knows an example of stays without: a test says so."""
    for parameter in operation.get("parameters", []):
        if parameter["required"]:
            _with_example(parameter, parameter["schema"], examples, parameter["name"])
    bodies: list[Mapping[str, Any]] = [operation.get("requestBody", {})]
    bodies += [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        for media, content in body.get("content", {}).items():
            if media in (JSON, FORM):
                _with_example(content, content.get("schema", {}), examples)
            elif media in MEDIA:
                content.setdefault("example", MEDIA[media])


def _with_example(place: dict[str, Any], schema: Mapping[str, Any], examples: Examples, name: str = "") -> None:
    if not {"example", "examples"} & set(place):
        try:
            place["example"] = examples.of(schema, name)
        except NoExample:
            return
