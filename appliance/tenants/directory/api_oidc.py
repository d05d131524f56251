"""Signing in at the company's OIDC provider: translation only. Nobody has a key here yet."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from appliance.access import cookies
from appliance.access.web import Databases
from appliance.kit.settings import Settings
from appliance.tenants.directory.signing_in import LASTS, OidcSignIns, Returned
from appliance.tenants.sessions import open_for

router = APIRouter(prefix="/api/v1/oidc", tags=["directory"])
# The session's cookie is not sent along a chain of redirects that began at another site; a page of our own starts anew.
PAGE = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>…</title><a href="/">→</a>'
POLICY = "default-src 'none'; frame-ancestors 'none'"
AWAY: dict[int | str, dict[str, Any]] = {302: {"description": "To the provider"}, 409: {}}
Told = Annotated[str | None, Query(max_length=4000)]


@router.get("/callback", response_class=HTMLResponse, responses={401: {}, 409: {}})
def oidc_callback(
    request: Request, state: Told = None, code: Told = None, error: Told = None, iss: Told = None
) -> HTMLResponse:
    """Where the provider sends the browser back to: it leaves with a session, and goes on to the first page."""
    signing_in: OidcSignIns = request.app.state.oidc
    databases: Databases = request.app.state.databases
    settings: Settings = request.app.state.settings
    kept = request.cookies.get(_name(request), "")
    user = signing_in.finish(kept, Returned(state or "", code, error, iss))
    with databases.system.session() as session:
        made = open_for(session, user, "oidc", settings.sessions, request.headers.get("user-agent", ""))
    shown = {"content-security-policy": POLICY, "content-disposition": "inline"}  # else the edge has it saved as a file
    page = HTMLResponse(PAGE, headers=shown)
    cookies.give(request, page, made.secret)
    page.delete_cookie(_name(request), path="/", secure=_tls(request), httponly=True, samesite="lax")
    return page


@router.get("/{of_tenant}/start", status_code=302, response_class=Response, responses=AWAY)
def oidc_start(of_tenant: UUID, request: Request) -> RedirectResponse:
    """Go to the tenant's OIDC provider to sign in; open it in a browser."""
    signing_in: OidcSignIns = request.app.state.oidc
    address, kept = signing_in.begin(of_tenant)
    away = RedirectResponse(address, 302)
    # Lax, not Strict: the way back begins at the provider's site. It holds nothing but this one attempt, sealed.
    away.set_cookie(_name(request), kept, max_age=LASTS, path="/", secure=_tls(request), httponly=True, samesite="lax")
    return away


def _tls(request: Request) -> bool:
    return bool(request.url.scheme == "https")


def _name(request: Request) -> str:
    return f"{cookies.name(request)}-oidc"
