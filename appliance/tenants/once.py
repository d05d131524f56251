"""The ``Idempotency-Key`` of a create, for routers of the slices to the left.

    router = APIRouter(prefix="/api/v1", route_class=OnceRoute)

    @router.post("/collections", status_code=201, dependencies=[allow(Action.MANAGE_COLLECTIONS), ONCE])
    def create(body: Body, session: Tx, …) -> View: ...

The endpoint must take ``Tx``: the key lives in its transaction. Not for answers that hold a secret, nor for streams.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn
from uuid import UUID

from fastapi import Header, Request, Response, params
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from appliance.access.web import Caller, Tx
from appliance.kit import offload
from appliance.kit.errors import Broken
from appliance.tenants.idempotency import Answer, begin, fingerprint, finish

REPLAYED = "idempotency-replayed"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Taken:
    """A key taken for the act in progress."""

    session: Session
    row: UUID


class _Replay(Exception):
    """Leads out of the dependency past the endpoint."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class OnceRoute(APIRoute):
    """A route that gives the first answer again, and keeps a new one inside the endpoint's own transaction."""

    def get_route_handler(self) -> Handle:
        """FastAPI's handler in ours. The session's dependency ends, and so commits, only after this one returns."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await inner(request)
            except _Replay as replay:
                return _again(replay.answer)
            taken: Taken | None = getattr(request.state, "taken", None)
            if taken is not None:
                answer = Answer(response.status_code, bytes(response.body).decode())
                await offload.run(finish, taken.session, taken.row, answer)
            return response

        return handle


def _again(answer: Answer) -> Response:
    media_type = "application/json" if answer.body else None
    return Response(answer.body, answer.status, {REPLAYED: "true"}, media_type)


async def remember(
    request: Request,
    session: Tx,
    principal: Caller,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> None:
    """With the header, the act is done once for each key: the same request gets the same answer, another one 422."""
    if idempotency_key is None:
        return
    if not isinstance(request.scope["route"], OnceRoute):
        _misplaced()
    parts = [part async for part in told(request)]
    taken = await offload.run(begin, session, principal, idempotency_key, fingerprint(parts))
    if isinstance(taken, Answer):
        raise _Replay(taken)
    request.state.taken = Taken(session, taken)


ONCE = params.Depends(remember)


def _misplaced() -> NoReturn:
    message = "ONCE stands on a route that is no OnceRoute: its answers would not be kept"
    raise Broken(message)


async def told(request: Request) -> AsyncIterator[bytes]:
    """What makes a request this one: method, address, body; of a form its fields and files, not its boundary."""
    yield request.method.encode()
    yield request.url.path.encode()
    yield request.url.query.encode()
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        yield await request.body()
        return
    for name, value in (await request.form()).multi_items():
        yield name.encode()
        if isinstance(value, UploadFile):
            yield (value.filename or "").encode()
            yield await offload.run(_digest, value)
        else:
            yield value.encode()


def _digest(upload: UploadFile) -> bytes:
    upload.file.seek(0)
    content = fingerprint(iter(lambda: upload.file.read(_BLOCK), b""))
    upload.file.seek(0)
    return content
