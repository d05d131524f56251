"""The OpenAI-compatible endpoints: pure ASGI, beside FastAPI's own, which would cost more than all that they do.

A request's caller is known before its body is read. The engine is asked only once the response runs, so that a caller
who goes away at any moment, streaming or not, makes the engine abort at once instead of working for nobody.
"""

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from appliance.access.permissions import Action, require
from appliance.access.principal import Principal
from appliance.access.web import header, known_caller
from appliance.kit.errors import ApplianceError, TooLarge
from appliance.serving import completions
from appliance.serving.bodies import Asked, ChatBody, CompletionBody, EmbeddingBody
from appliance.serving.inference import CHAT, COMPLETIONS
from appliance.serving.listing import models
from appliance.serving.passage import Passage, answer
from appliance.serving.service import Engines
from appliance.serving.vectors import Embeddings

_ASK = Action.ASK
LARGEST_BODY = 2 * 1024 * 1024


class Endpoint:
    """One address. Subclasses say what it does for a caller who may ask."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Errors before the first byte are raised: the application's edge makes answers of them."""
        request = Request(scope, receive)
        try:
            principal = await known_caller(request)
            require(principal, _ASK)
            await self.serve(request, principal, send)
        except ApplianceError as error:
            if engines := getattr(request.app.state, "engines", None):
                engines.meters.refused(scope["route"].path, error.code)
            raise

    async def serve(self, request: Request, principal: Principal, send: Send) -> None:
        """Answer it."""
        raise NotImplementedError


class Completions(Endpoint):
    """Chat completions and plain ones: read by an allow-list, passed through."""

    def __init__(self, path: str, form: type[Asked]) -> None:
        self._path = path
        self._form = form

    async def serve(self, request: Request, principal: Principal, send: Send) -> None:
        """Pass it through, until its end or until the caller is gone."""
        body = completions.read(await bounded(request), self._form)
        engines: Engines = request.app.state.engines
        target = await engines.find(body.model, principal.tenant, body.user or principal.user.hex)
        await Passage(engines, target, body, principal, self._path).run(request, send)


class Vectors(Endpoint):
    """Embeddings, from the encoder's process."""

    async def serve(self, request: Request, principal: Principal, send: Send) -> None:
        """Encode the texts."""
        body = completions.read(await bounded(request), EmbeddingBody)
        embeddings: Embeddings = request.app.state.embeddings
        found, provenance = await embeddings.encode(body, principal)
        await answer(send, found, provenance)


class Models(Endpoint):
    """The names that may be sent as ``model``: all of them, or one."""

    async def serve(self, request: Request, principal: Principal, send: Send) -> None:
        """Tell what this key may use."""
        told = await models(request.app.state, principal, request.path_params.get("model"))
        await answer(send, told.model_dump_json().encode(), {})


class Address(Route):
    """A route that says which one it is, as FastAPI's do: the record of refused acts names it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route."""
        match, child = super().matches(scope)
        if match is not Match.NONE:
            child["route"] = self
        return match, child


ADDRESSES = (
    Address(CHAT, Completions(CHAT, ChatBody), methods=["POST"]),
    Address(COMPLETIONS, Completions(COMPLETIONS, CompletionBody), methods=["POST"]),
    Address("/v1/embeddings", Vectors(), methods=["POST"]),
    Address("/v1/models", Models(), methods=["GET"]),
    Address("/v1/models/{model}", Models(), methods=["GET"]),
)
BY_PATH = {address.path: address for address in ADDRESSES if "POST" in (address.methods or ())}
OWN_BODIES = frozenset(BY_PATH)
"""Here a body is read only behind a key, up to a limit of its own."""


async def bounded(request: Request) -> bytes:
    """The body. Raises :class:`TooLarge`, at once where the request says itself that it is.

    Not from ``request.stream()``: a generator costs more than what it gives.
    """
    told = header(request.scope, b"content-length") or ""
    if told.isdecimal() and int(told) > LARGEST_BODY:
        raise TooLarge(f"a request may have {LARGEST_BODY} bytes", limit=LARGEST_BODY)
    raw, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        raw += message.get("body", b"")
        more = message.get("more_body", False)
        if len(raw) > LARGEST_BODY:
            raise TooLarge(f"a request may have {LARGEST_BODY} bytes", limit=LARGEST_BODY)
    return bytes(raw)
