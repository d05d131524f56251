"""A request over SCIM, done by the protocol's library on our storage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from scim2_models import InvalidFilterException, InvalidSyntaxException, SCIMException
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from sqlalchemy.orm import Session

from appliance.access.principal import Principal
from appliance.audit.service import Audit
from appliance.tenants.directory.provisioning import Provisioning
from appliance.tenants.directory.scim_described import MEDIA_TYPE
from appliance.tenants.directory.scim_models import PROVIDER
from appliance.tenants.directory.scim_storage import KIND, Storage
from appliance.tenants.room import Room

LONGEST_FILTER = 2000
SERVICE = ScimService(PROVIDER)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came over HTTP; ``root``: where SCIM begins."""

    request: Request
    root: str
    content: bytes

    def to_scim(self) -> ScimRequest:
        """As the library takes it. Raises ``InvalidFilterException`` for a parameter that is too long."""
        url = self.request.url
        query = dict(self.request.query_params)
        if any(len(value) > LONGEST_FILTER for value in query.values()):
            raise InvalidFilterException(detail=f"a parameter may have {LONGEST_FILTER} characters")
        return ScimRequest(
            method=self.request.method,
            base_url=f"{url.scheme}://{url.netloc}{self.root}",
            path=url.path.removeprefix(self.root),
            query=query,
            headers=dict(self.request.headers),
            body=self.content,
        )


def answer(asked: Asked, session: Session, principal: Principal, room: Room) -> Response:
    """The protocol's answer, errors too; what was refused is rolled back to its savepoint and recorded."""
    audit = Audit(session, principal.tenant, principal.user)
    hand = Provisioning(session, principal.tenant, audit, KIND, room)
    handler = ScimHandler(SERVICE, Storage(session, principal.tenant, hand))
    try:
        told = _handled(handler, asked.to_scim())
    except SCIMException as error:
        request = asked.request
        if request.method != "GET":
            audit.record(f"{request.method} {request.url.path}"[:200], None, "refused", code=error.status)
        told = SERVICE.error_response(error)
    return _response(told.status, told.body, told.headers)


def _handled(handler: ScimHandler, request: ScimRequest) -> ScimResponse:
    try:
        return handler.handle(request)
    except RecursionError as error:  # brackets in brackets: the parser of filters goes down with them
        raise InvalidSyntaxException(detail="it is nested too deeply") from error


def _response(status: int, document: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Response:
    if document is None:
        return Response(None, status, {k: v for k, v in headers.items() if k.lower() != "content-type"})
    return JSONResponse(document, status, dict(headers), media_type=MEDIA_TYPE)
