"""Routes of invitations: translation only. Accepting one asks for no key: its secret is the credential."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from appliance.access import cookies
from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, Databases
from appliance.audit import origin
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings
from appliance.tenants import invitation_mail as mail
from appliance.tenants import invitation_schemas as schemas
from appliance.tenants import passwords
from appliance.tenants.invitations import Coming, Invitation, Invitations, Issued, Wish, try_accept
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.room import Room
from appliance.tenants.web import TenantsHere
from appliance.tenants.within import within

router = APIRouter(prefix="/tenants/{tenant_id}/invitations", route_class=OnceRoute)
coming = APIRouter(tags=["tenants"])
READ = within(Action.READ_USERS)
MANAGE = within(Action.MANAGE_USERS)
ONCE = once(TENANT_TRANSACTION, secret="link")  # noqa: S106 - the name of the member, not a secret
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
PAGES: Final = Path(__file__).parent / "pages"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _invitations(tenant_id: UUID, tenants: TenantsHere) -> Invitations:
    return tenants.invitations(tenant_id)


Service = Annotated[Invitations, Depends(_invitations)]


class Post:
    """Answers with the link, and sends it once the transaction has committed, if there is an address."""

    def __init__(self, request: Request, principal: Caller, later: BackgroundTasks) -> None:
        self._request = request
        self._by = principal
        self._later = later

    def __call__(self, issued: Issued) -> schemas.NewInvitationView:
        """The view with the link."""
        state = self._request.app.state
        settings: Settings = state.settings
        link = f"{(settings.mail.public_url or str(self._request.base_url)).rstrip('/')}/invitation#{issued.secret}"
        if issued.invitation.mail:
            letter = mail.Letter(issued.invitation, link, self._by.name)
            self._later.add_task(mail.send, settings, state.databases.app, letter)
        return schemas.NewInvitationView(**asdict(issued.invitation), link=link)


Posted = Annotated[Post, Depends()]


@router.post("", status_code=201, dependencies=[MANAGE, ONCE])
def create_invitation(body: schemas.InvitationBody, invitations: Service, post: Posted) -> schemas.NewInvitationView:
    """Ask a person in; the answer holds the link, shown this once. It is sent by mail too where that is set up."""
    wish = Wish(body.login, body.name or body.login, body.role, frozenset(body.groups), body.mail)
    return post(invitations.invite(wish, timedelta(days=body.days)))


@router.get("", dependencies=[READ])
def list_invitations(
    invitations: Service,
    state: schemas.InvitationState | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.InvitationList:
    """List invitations, or those in one state; never their links."""
    page = invitations.list(cursor, limit, state)
    return schemas.InvitationList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/{invitation_id}", dependencies=[READ])
def show_invitation(invitation_id: UUID, invitations: Service) -> schemas.InvitationView:
    """Show an invitation, never its link."""
    return _view(invitations.show(invitation_id))


@router.delete("/{invitation_id}", dependencies=[MANAGE])
def revoke_invitation(invitation_id: UUID, invitations: Service) -> schemas.InvitationView:
    """Revoke an invitation: its link leads nowhere. Harmless to repeat; 409 once the person has come."""
    return _view(invitations.revoke(invitation_id))


@router.post("/{invitation_id}/resend", status_code=201, dependencies=[MANAGE, ONCE])
def resend_invitation(
    invitation_id: UUID, body: schemas.ResendBody, invitations: Service, post: Posted
) -> schemas.NewInvitationView:
    """Make a new link for the same person, shown this once; the former one leads nowhere."""
    return post(invitations.resend(invitation_id, timedelta(days=body.days)))


@coming.post("/invitations/accept", status_code=201)
def accept_invitation(body: schemas.AcceptBody, request: Request) -> schemas.AcceptedView:
    """Come in by an invitation: choose a password. 404 for any link that is not good, whatever the cause."""
    cookies.same_origin(request)
    databases: Databases = request.app.state.databases
    room: Room = request.app.state.room
    source = origin.current().source
    with passwords.turn(source or ""):
        chosen = Coming(body.token, body.password, body.name)
        return schemas.AcceptedView(login=try_accept(databases, room, chosen, source))


pages = APIRouter(include_in_schema=False)


@pages.get("/invitation", response_class=HTMLResponse)
def invitation_page() -> HTMLResponse:
    """Where the link leads: a page that sends what follows the # to ``accept``."""
    return HTMLResponse((PAGES / "invitation.html").read_bytes(), headers={"content-security-policy": POLICY})


@pages.get("/invitation/page.js")
def invitation_script() -> Response:
    """The page's script."""
    return Response((PAGES / "invitation.js").read_bytes(), media_type="text/javascript; charset=utf-8")


@pages.get("/invitation/page.css")
def invitation_style() -> Response:
    """The page's style."""
    return Response((PAGES / "invitation.css").read_bytes(), media_type="text/css; charset=utf-8")


def _view(invitation: Invitation) -> schemas.InvitationView:
    return schemas.InvitationView(**asdict(invitation))
