"""The request's dependencies: who is calling, and a transaction scoped to the caller's tenant.

``Tx`` is declared with ``scope="function"``: with FastAPI ≥ 0.118 a plain ``yield`` dependency commits *after* the
response was sent, so that a failed commit would still have said 201.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, params
from sqlalchemy.orm import Session
from starlette.types import Scope

from appliance.access import cookies
from appliance.access.permissions import Action, require
from appliance.access.principal import ASKING, Principal
from appliance.kit import offload
from appliance.kit.database import Database
from appliance.kit.errors import Unauthenticated

Authenticate = Callable[[str], Principal]
"""The one way from a credential, a key or a session's secret, to who it is. Raises :class:`Unauthenticated`."""


@dataclass(frozen=True, slots=True)
class Databases:
    """One pool for each login that the web process uses."""

    app: Database
    operator: Database
    system: Database

    def close(self) -> None:
        """Close all pools."""
        for database in (self.app, self.operator, self.system):
            database.close()


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this name, which is in small letters. Starlette's mapping costs thrice as much."""
    for its, value in scope["headers"]:
        if its == name:
            return str(value, "latin-1")
    return None


def bearer(request: Request) -> str:
    """The key of the Authorization header; a session's secret is none. Raises :class:`Unauthenticated`."""
    scheme, _, token = (header(request.scope, b"authorization") or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or token.startswith(cookies.SESSION_PREFIX):
        message = "no bearer key came with the request"
        raise Unauthenticated(message)
    return token


def credential(request: Request) -> str:
    """What the request is authenticated by: the key of its header, else the session of its cookie."""
    if "authorization" in request.headers:
        return bearer(request)
    return cookies.session_of(request) or bearer(request)


def caller(request: Request) -> Principal:
    """The authenticated principal. A session's request must come from our own page, and a change show its token."""
    authenticate: Authenticate = request.app.state.authenticate
    token = credential(request)
    principal = authenticate(token)
    request.state.principal = principal
    if principal.session is not None:
        cookies.guard(request, token)
    return principal


@contextmanager
def _holding(request: Request) -> Iterator[None]:
    """Count the transactions that the request is in: while there are any it is not cancelled."""
    held: int = getattr(request.state, "transactions", 0)
    request.state.transactions = held + 1
    try:
        yield
    finally:
        request.state.transactions = held


async def known_caller(request: Request) -> Principal:
    """As :func:`caller`, for async code: without a thread where the key was looked up a moment ago."""
    recall: Callable[[str], Principal | None] | None = getattr(request.app.state.authenticate, "recall", None)
    known = recall(bearer(request)) if recall and header(request.scope, b"authorization") is not None else None
    if known is None:
        return await offload.run(caller, request)
    request.state.principal = known
    return known


Caller = Annotated[Principal, Depends(caller)]


def get_session(request: Request, principal: Caller) -> Iterator[Session]:
    """One transaction of the app login for the caller's tenant, committed before the response begins."""
    databases: Databases = request.app.state.databases
    with _holding(request), databases.app.session(principal.tenant) as session:
        session.info[ASKING] = principal.user
        yield session


TRANSACTION = Depends(get_session, scope="function")
Tx = Annotated[Session, TRANSACTION]


def get_operator_session(request: Request, principal: Caller) -> Iterator[Session]:
    """One transaction of the operator login; the caller must manage tenants or models."""
    require(principal, Action.MANAGE_TENANTS)
    databases: Databases = request.app.state.databases
    with _holding(request), databases.operator.session() as session:
        yield session


OperatorTx = Annotated[Session, Depends(get_operator_session, scope="function")]


def get_tenant_session(request: Request, principal: Caller) -> Iterator[Session]:
    """One transaction for the tenant of the path, which ``tenants.within`` has let the caller into.

    Of the app login for those who serve one tenant, so that row security stands behind each filter; of the operator
    login for those whose role is of the appliance.
    """
    databases: Databases = request.app.state.databases
    everywhere = principal.role.of_the_appliance
    opened = databases.operator.session() if everywhere else databases.app.session(principal.tenant)
    with _holding(request), opened as session:
        session.info[ASKING] = principal.user
        yield session


TENANT_TRANSACTION = params.Depends(get_tenant_session, scope="function")
TenantTx = Annotated[Session, TENANT_TRANSACTION]


def allow(action: Action) -> params.Depends:
    """A dependency that lets only roles with this action through (403 otherwise)."""

    def check(principal: Caller) -> None:
        require(principal, action)

    return params.Depends(check)
