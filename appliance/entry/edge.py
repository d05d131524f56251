"""The web's edge: request ids, one log line a request, security headers, and every error as problem+json.

Pure ASGI: Starlette's ``BaseHTTPMiddleware`` costs a task and a queue for each request and breaks streaming.
"""

import re
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.background import BackgroundTask
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.audit.origin import Origin, acting
from appliance.audit.service import Audit
from appliance.kit import clock, errors, log, offload
from appliance.kit.ids import uuid7
from appliance.tenants.signing_in import record_refused

_logger = log.get(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
PROBLEM = "application/problem+json"
SCIM = "application/scim+json"
SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_OK = HTTPStatus.OK.value
READING = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
READ_BY_PROGRAMS = frozenset({"application/json", PROBLEM, "text/event-stream"})


class Edge:
    """Wraps the application: binds the request id, adds headers, logs the outcome.

    What is answered at ``counted`` paths has a usage record, with the request's id in it, instead of a line in the log.
    """

    def __init__(self, app: ASGIApp, counted: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        begun = clock.monotonic()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id)
                if scope["path"].startswith("/api/"):
                    _saved_not_shown(MutableHeaders(scope=message))
            await send(message)

        came = Origin(request_id, scope["client"][0] if scope.get("client") else None)
        bound = log.request.set(request_id)
        with acting(came):
            try:
                await self._app(scope, receive, sending)
            except Exception:
                _logger.exception("unhandled error")
                if status:  # the answer has begun; the server closes the connection, so the client knows it is torn
                    raise
                await _broken(Request(scope))(scope, receive, sending)
            finally:
                if status != _OK or scope["path"] not in self._counted:
                    seconds = round(clock.monotonic() - begun, 4)
                    _logger.info("request", method=scope["method"], path=scope["path"], status=status, seconds=seconds)
                log.request.reset(bound)


_SECURITY = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


def _add_headers(start: Message, request_id: str) -> None:
    """On bytes, in one pass: this is done for every answer."""
    headers = [pair for pair in start.get("headers", ()) if pair[0] != b"x-request-id"]
    there = {name for name, _ in headers}
    headers.append((b"x-request-id", request_id.encode()))
    headers.extend(pair for pair in _SECURITY if pair[0] not in there)
    start["headers"] = headers


def _saved_not_shown(headers: MutableHeaders) -> None:
    """Of the API a browser shows nothing: what is not for programs is a file, and a file is saved."""
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if kind and kind not in READ_BY_PROGRAMS:
        headers.setdefault("content-disposition", "attachment")


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return uuid7().hex


def problem(error: errors.ApplianceError, request: Request) -> JSONResponse:
    """The error as RFC 9457 problem+json; under ``/v1/`` with the member that clients of OpenAI's API read too.

    Under ``/scim/`` it has SCIM's own form.
    """
    body = error.problem(request.url.path)
    if request.url.path.startswith("/v1/"):
        told = {"message": f"{error.detail.rstrip('.')}. {error.advice}", "type": error.code, "code": error.code}
        body["error"] = {**told, "param": error.extra.get("field")}
    scim = request.url.path.startswith("/scim/")
    if scim:  # RFC 7644 §3.12
        said = f"{error.detail.rstrip('.')}. {error.advice}"
        body = {"schemas": [SCIM_ERROR], "status": str(error.status), "detail": said}
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(body, status_code=error.status, headers=headers, media_type=SCIM if scim else PROBLEM)


async def refused(request: Request, error: Exception) -> Response:
    """The answer to a refusal, which is recorded where somebody known was refused an act."""
    if not isinstance(error, errors.ApplianceError):
        raise error
    if _refusal(request, error):
        await offload.run(_record_refusal, request, error.code)
    answer = problem(error, request)
    if isinstance(error, errors.Unauthenticated) and hasattr(request.state, "signing_in"):
        answer.background = BackgroundTask(_record_refused_sign_in, request)
    return answer


def _record_refused_sign_in(request: Request) -> None:
    """After the answer has gone: the time that this takes tells whether there is such a login."""
    databases: Databases = request.app.state.databases
    with databases.system.session() as session:
        source = request.client.host if request.client else None
        record_refused(session, request.state.signing_in, request.state.request_id, source)


def _refusal(request: Request, error: errors.ApplianceError) -> bool:
    """Whether somebody known was refused an act: always a 403; a 404 where something was to be changed.

    What belongs to another is "not found", so only the record can tell a mistyped id from a search for others' ids.
    """
    if isinstance(error, errors.NotFound):
        return request.method not in READING
    return isinstance(error, errors.Forbidden)


def _record_refusal(request: Request, code: str) -> None:
    """A refused act, in a transaction of its own: the act's was rolled back."""
    principal: Principal | None = getattr(request.state, "principal", None)
    databases: Databases = request.app.state.databases
    if principal is None:
        return
    with databases.app.session(principal.tenant) as session:
        audit = Audit(session, principal.tenant, principal.user)
        named = {name: _short(value) for name, value in request.path_params.items()}
        route = request.scope.get("route")  # none yet when it was refused before its body was read
        path = route.path if route else _short(request.url.path)
        audit.record(
            f"{request.method} {path}", next(reversed(named.values()), None), "refused", code=code, named=named
        )


def _short(value: object) -> str:
    """An id of the path as it came; a name may be longer than any id, and is a stranger's text."""
    return str(value)[:64].replace("\0", "")


class InvalidRequest(errors.Refused):
    """The request does not have the form that the description asks for."""

    code = "invalid_request"


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [{"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]} for fault in error.errors()]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
    return problem(InvalidRequest(detail, faults=faults[:20]), request)


_BY_STATUS: dict[int, type[errors.ApplianceError]] = {
    kind.status: kind
    for kind in (errors.BadRequest, errors.Unauthenticated, errors.Forbidden, errors.NotFound, errors.TooLarge)
}


class MethodNotAllowed(errors.ApplianceError):
    """This address does not take this method."""

    status = 405
    code = "method_not_allowed"
    advice = "See the API description for the methods of this address."


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kind = {**_BY_STATUS, 405: MethodNotAllowed}.get(error.status_code, errors.BadRequest)
    answer = problem(kind(str(error.detail)), request)
    answer.headers.update(error.headers or {})
    return answer


class DatabaseDown(errors.Unavailable):
    """The database does not answer."""

    code = "database_down"


async def database_error(request: Request, error: Exception) -> Response:
    """A database that is away is a 503, a value that it cannot store (NUL in a text) a 422; all else is our fault."""
    if isinstance(error, DataError):
        _logger.warning("a value that the database cannot store", error=str(error.orig))
        return problem(InvalidRequest("a value of the request cannot be stored"), request)
    lost = isinstance(error, OperationalError | PoolTimeout) or getattr(error, "connection_invalidated", False)
    if lost:
        _logger.warning("database unavailable", error=str(getattr(error, "orig", error)))
        return problem(DatabaseDown(retry_after=2), request)
    raise error


def _broken(request: Request) -> Response:
    detail = f"an unexpected error; the log has it under request id {request.state.request_id}"
    return problem(errors.Broken(detail), request)


def install(app: FastAPI) -> None:
    """Register the error handlers; :class:`Edge` is added by the server's composition."""
    app.add_exception_handler(errors.ApplianceError, refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DBAPIError, database_error)
    app.add_exception_handler(PoolTimeout, database_error)
