"""Nobody's bytes are read before it is known whose they are, and nobody sends more than the address takes.

FastAPI reads a body before it solves dependencies: a form's files lay in the temporary directory, as large as anybody
liked, before the key was looked at. So a body is let in only behind a key that is good, and only up to the limit.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import HTTPException, Request
from fastapi.params import File
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.access.web import caller
from appliance.drivers.blobs import BlobTooLarge
from appliance.entry import edge
from appliance.kit import errors, offload
from appliance.kit.settings import Settings

OPEN_BODY: Final = 16 * 1024
"""Bytes of a body at an address that asks for no key: a sign-in has some hundred."""
BODY: Final = 2 * 1024 * 1024 + 64 * 1024
"""Bytes of any other body; the gateway's own limit lies just below."""
FORM: Final = 64 * 1024
"""Bytes that a form may have beside its file."""
ARCHIVES: Final = frozenset({"/api/v1/collection-imports"})
"""Where a file is many files."""


def uploads(routes: Sequence[BaseRoute]) -> tuple[APIRoute, ...]:
    """The routes that take a file: theirs is the limit for uploads."""
    return tuple(route for route in routes if isinstance(route, APIRoute) and _takes_a_file(route))


def _takes_a_file(route: APIRoute) -> bool:
    return route.body_field is not None and isinstance(route.body_field.field_info, File)


class Bodies:
    """Wraps the application inside :class:`appliance.entry.edge.Edge`. ``open_paths`` ask for no key.

    ``uploads`` take files. What is behind ``own_paths`` sees to both itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        open_paths: frozenset[str],
        own_paths: frozenset[str] = frozenset(),
        uploads: Sequence[APIRoute] = (),
    ) -> None:
        self._app = app
        self._open = open_paths
        self._own = own_paths
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in self._own or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            if scope["path"] not in self._open:
                await offload.run(caller, request)
            limited = _Limited(receive, *self._most(request))
            limited.declared(request.headers.get("content-length", ""))
        except errors.ApplianceError as error:
            await (await edge.refused(request, error))(scope, receive, send)
        except (DBAPIError, PoolTimeout) as error:
            await (await edge.database_error(request, error))(scope, receive, send)
        else:
            await self._app(scope, limited, send)

    def _most(self, request: Request) -> tuple[int, errors.TooLarge]:
        """How many bytes this address takes, and what is said to more."""
        path = request.scope["path"]
        settings: Settings | None = getattr(request.app.state, "settings", None)
        if settings is not None and self._uploaded(request.scope):
            most = settings.web.largest_archive if path in ARCHIVES else settings.web.largest_upload
            return most + FORM, BlobTooLarge(f"more than {most} bytes", limit=most)
        most = OPEN_BODY if path in self._open else BODY
        return most, errors.TooLarge(f"a request to this address may have {most} bytes", limit=most)

    def _uploaded(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._uploads)


class _Limited:
    """The body as it comes, up to the limit."""

    def __init__(self, receive: Receive, limit: int, refusal: errors.TooLarge) -> None:
        self._receive = receive
        self._limit = limit
        self._refusal = refusal
        self._seen = 0

    def declared(self, length: str) -> None:
        """Raise at once when the body says itself that it is too long: the server then throws it away unread."""
        if length.isdecimal() and int(length) > self._limit:
            raise self._refusal

    async def __call__(self) -> Message:
        """The next piece. One that never said its length is cut off here."""
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            raise HTTPException(413, self._refusal.detail)  # the one exception that FastAPI's reader lets through
        return message


def _has_body(scope: Scope) -> bool:
    """Whether a body follows: in HTTP/1.1 one of two headers says so."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in scope["headers"]
    )
