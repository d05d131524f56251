"""The route by which an original file leaves: translation only."""

import os
import re
from io import BufferedReader
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from appliance.access.permissions import Action
from appliance.access.web import Caller, Databases, allow
from appliance.drivers.blobs import Blobs
from appliance.kit.errors import ApplianceError
from appliance.kit.filenames import attachment
from appliance.knowledge.downloading import Downloads, Original
from appliance.licensing.points import Point
from appliance.licensing.web import licensed

router = APIRouter(prefix="/api/v1", tags=["knowledge"])

Number = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Which revision, by number")]
ById = Annotated[UUID | None, Query(description="Which revision, by id, as citations name it")]
Known = Annotated[str | None, Header(description="The ETag of a copy that you have: 304 where it is this file")]
_RANGE: Final = re.compile(rb"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


class OutOfRange(ApplianceError):
    """The file has no such bytes."""

    status = 416
    code = "out_of_range"
    advice = "Content-Range of this answer says how many it has."

    def __init__(self, size: int) -> None:
        super().__init__(f"it has {size} bytes")
        self.headers = {"content-range": f"bytes */{size}"}


_BYTES: Final = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
_PROBLEM: Final = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": OutOfRange(1734).problem("/api/v1/…")}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file, in its own media type", **_BYTES},
    206: {"description": "The part that Range asked for", **_BYTES},
    304: {"description": "The copy that you have is this file"},
    416: {"description": "The file has no such bytes", "content": {"application/problem+json": _PROBLEM}},
}


class Sent(FileResponse):
    """An open file, sent from where it lies, whole or one part of it; closed at the end whatever that is.

    That no browser shows or sniffs it the edge sees to, as for all that is no JSON.
    """

    chunk_size = 256 * 1024

    def __init__(self, file: BufferedReader, original: Original) -> None:
        headers = {
            "content-type": original.media_type,  # as it is: of a text nobody has said in which encoding it came
            "content-disposition": attachment(original.name),
            "etag": f'"{original.sha256}"',
        }
        self._file = file
        super().__init__(f"/proc/self/fd/{file.fileno()}", headers=headers, stat_result=os.fstat(file.fileno()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises OutOfRange."""
        with self._file:
            await super().__call__({**scope, "headers": list(self._understood(scope))}, receive, send)

    def _understood(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """The request's headers; without Range where the whole is sent: several parts, another file, or no range."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        told = dict(headers)
        asked = _RANGE.fullmatch(told.get(b"range", b"").replace(b" ", b"").lower())
        same = told.get(b"if-range", self.headers["etag"].encode()) == self.headers["etag"].encode()
        if asked is None or not same or _backwards(asked):
            return [pair for pair in headers if pair[0] != b"range"]
        size = os.fstat(self._file.fileno()).st_size
        first, _, last = asked.groups()
        if int(last) == 0 if first is None else int(first) >= size:
            raise OutOfRange(size)
        return headers


def _backwards(asked: re.Match[bytes]) -> bool:
    first, end, _ = asked.groups()
    return bool(first and end) and int(end) < int(first)


@router.get(
    "/documents/{document_id}/original",
    dependencies=[allow(Action.READ_DOCUMENTS), licensed(Point.READING)],
    response_class=FileResponse,
    responses=_ANSWERS,
)
def fetch_original(
    document_id: UUID,
    principal: Caller,
    request: Request,
    revision: Number = None,
    revision_id: ById = None,
    if_none_match: Known = None,
) -> Response:
    """Download the file that was uploaded, of the revision that is served or of another; its ETag is its SHA-256."""
    databases: Databases = request.app.state.databases
    blobs: Blobs = request.app.state.blobs
    downloads = Downloads(databases.app, principal, blobs)
    found = downloads.find(document_id, revision, revision_id)
    if _has(if_none_match, found.sha256):
        return Response(status_code=304, headers={"etag": f'"{found.sha256}"'})
    return Sent(downloads.open(found), found)


def _has(known: str | None, sha256: str) -> bool:
    """Whether If-None-Match names this file (RFC 9110 §13.1.2, compared weakly)."""
    tags = [tag.strip().removeprefix("W/") for tag in (known or "").split(",")]
    return f'"{sha256}"' in tags or tags == ["*"]
