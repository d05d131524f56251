"""Routes of signing in and out and of one's own account: translation only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from appliance.access import cookies
from appliance.access.errors import EnrolFirst
from appliance.access.permissions import ENROL
from appliance.access.principal import Principal
from appliance.access.web import Caller, Databases, credential
from appliance.audit import origin
from appliance.kit.errors import Forbidden
from appliance.kit.settings import Settings
from appliance.tenants import own, passwords
from appliance.tenants import sign_in_schemas as schemas
from appliance.tenants.errors import SessionNotFound
from appliance.tenants.lockout import Attempt
from appliance.tenants.signing_in import Browser, Doors, SignedIn, login_of, sign_in_by_token, sign_out, try_password

router = APIRouter()


def account(principal: Caller) -> Principal:
    """Who may change the own account: a session, or a key without scopes, which may do all of its user's."""
    if principal.scopes == ENROL:
        raise EnrolFirst
    if principal.scopes is not None:
        raise Forbidden("a key with scopes may not change its user's account")
    return principal


Own = Annotated[Principal, Depends(account)]


@router.post("/login", status_code=201)
def login(body: schemas.LoginBody, request: Request, response: Response) -> schemas.SignedInView:
    """Sign in; the answer holds a new API key, shown this once, or with ``session`` a cookie."""
    cookies.same_origin(request)
    databases: Databases = request.app.state.databases
    request.state.signing_in = body.login
    browser = browser_of(request) if body.session else None
    doors: Doors = request.app.state.doors
    source = origin.current().source
    with passwords.turn(source or ""):
        if body.token is None:
            attempt = Attempt(body.login or "", source)
            signed = try_password(databases.system, attempt, body.password or "", browser, doors, body.code)
        else:
            with databases.system.session() as session:
                signed = sign_in_by_token(session, body.token, body.password, browser)
    return signed_in(signed, request, response)


@router.post("/logout", status_code=204)
def logout(principal: Caller, request: Request, response: Response) -> None:
    """Sign out: end the session that the request came with. A key is revoked, not signed out (404)."""
    if principal.session is None:
        raise SessionNotFound
    databases: Databases = request.app.state.databases
    with databases.system.session() as session:
        sign_out(session, credential(request))
    cookies.take(request, response)


@router.get("/me")
def me(principal: Caller, request: Request) -> schemas.MeView:
    """Who asks, and what the key is limited to; with a session, the token that its changes carry."""
    return schemas.MeView(
        user_id=principal.user,
        name=principal.name,
        role=principal.role,
        tenant_id=principal.tenant,
        groups=sorted(principal.groups),
        scopes=None if principal.scopes is None else sorted(principal.scopes),
        models=None if principal.models is None else sorted(principal.models),
        session=principal.session,
        csrf=None if principal.session is None else cookies.csrf(credential(request)),
    )


@router.put("/me/password", status_code=204)
def change_own_password(body: schemas.OwnPasswordBody, principal: Own, request: Request, response: Response) -> None:
    """Change your password. All your sessions end; the one at hand goes on under a new secret.

    A wrong former password is counted as a failed sign-in is: after a few, 429.
    """
    databases: Databases = request.app.state.databases
    attempt = attempt_of(databases, principal)
    with passwords.turn(attempt.source or ""):
        words = (body.former, body.password)
        opened = own.try_password_change(databases, attempt, principal, words, browser_of(request))
    if opened is not None:
        cookies.give(request, response, opened.secret)


def attempt_of(databases: Databases, principal: Principal) -> Attempt:
    """The caller's own login and where it comes from, to be counted by."""
    with databases.system.session() as session:
        return Attempt(login_of(session, principal), origin.current().source)


def browser_of(request: Request) -> Browser:
    """What a request tells of the browser that signs in."""
    settings: Settings = request.app.state.settings
    former = request.cookies.get(cookies.name(request))
    return Browser(settings.sessions, request.headers.get("user-agent", ""), former)


def signed_in(signed: SignedIn, request: Request, response: Response) -> schemas.SignedInView:
    """The answer to a sign-in, its session in the cookie."""
    if signed.opened is not None:
        cookies.give(request, response, signed.opened.secret)
    return schemas.SignedInView(
        key=signed.key,
        csrf=signed.opened.csrf if signed.opened else None,
        user_id=signed.principal.user,
        login=signed.login,
        role=signed.principal.role,
        tenant_id=signed.principal.tenant,
    )
