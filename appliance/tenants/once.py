"""The ``Idempotency-Key`` of a create, for routers of the slices to the left.

    router = APIRouter(prefix="/api/v1", route_class=OnceRoute)

    @router.post("/collections", status_code=201, dependencies=[allow(Action.MANAGE_COLLECTIONS), ONCE])
    def create(body: Body, session: Tx, …) -> View: ...

The endpoint must take ``Tx``: the key lives in its transaction; :func:`once` is for another transaction. Not for
streams. Of an answer that holds a secret (``once(…, secret="key")``) that member is kept as null: no repeat shows it.
"""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn
from uuid import UUID

from fastapi import Header, Request, Response, params
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from appliance.access.web import TRANSACTION, Caller
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
    secret: str | None = None


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
                answer = Answer(response.status_code, _kept(bytes(response.body).decode(), taken.secret))
                await offload.run(finish, taken.session, taken.row, answer)
            return response

        return handle


def _again(answer: Answer) -> Response:
    media_type = "application/json" if answer.body else None
    return Response(answer.body, answer.status, {REPLAYED: "true"}, media_type)


def once(transaction: params.Depends, secret: str | None = None) -> params.Depends:
    """The dependency of a create in this transaction; ``secret`` names the member of the answer that is not kept."""

    async def remember(
        request: Request,
        session: Annotated[Session, transaction],
        principal: Caller,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    ) -> None:
        """With the header, the act is done once a key: the same request gets the same answer, another one 422."""
        if idempotency_key is None:
            return
        if not isinstance(request.scope["route"], OnceRoute):
            _misplaced()
        parts = [part async for part in told(request)]
        taken = await offload.run(begin, session, principal, idempotency_key, fingerprint(parts))
        if isinstance(taken, Answer):
            raise _Replay(taken)
        request.state.taken = Taken(session, taken, secret)

    return params.Depends(remember)


ONCE = once(TRANSACTION)


def _kept(body: str, secret: str | None) -> str:
    return body if secret is None else json.dumps({**json.loads(body), secret: None}, ensure_ascii=False)


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
