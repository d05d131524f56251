"""Routes of the second factor, one's own and that of a tenant's users: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from appliance.access.permissions import ENROL, Action
from appliance.access.principal import Principal, TenantId
from appliance.access.web import Caller, Databases, TenantTx, Tx
from appliance.kit.errors import Forbidden
from appliance.tenants import passwords, second_factors, signing_in
from appliance.tenants import sign_in_schemas as schemas
from appliance.tenants.api_sign_in import Own, attempt_of
from appliance.tenants.signing_in import Doors
from appliance.tenants.web import TenantsHere
from appliance.tenants.within import within

router = APIRouter()


def _enroller(principal: Caller) -> Principal:
    if principal.scopes not in (None, ENROL):
        raise Forbidden("a key with scopes may not change its user's account")
    return principal


def _mine(session: Tx, principal: Annotated[Principal, Depends(_enroller)], request: Request) -> second_factors.Own:
    doors: Doors = request.app.state.doors
    return second_factors.Own(session, principal, doors.sealing)


Mine = Annotated[second_factors.Own, Depends(_mine)]


@router.get("/me/totp")
def show_totp(mine: Mine) -> schemas.TotpView:
    """Whether you sign in with one-time codes."""
    return schemas.TotpView.model_validate(mine.show(), from_attributes=True)


@router.put("/me/totp")
def enrol_totp(mine: Mine) -> schemas.EnrolmentView:
    """Begin with one-time codes: a secret for your app and recovery codes, shown this once; then confirm.

    Until it is confirmed nothing is asked for, and another call gives another secret.
    """
    return schemas.EnrolmentView.model_validate(mine.enrol(), from_attributes=True)


@router.post("/me/totp/confirm")
def confirm_totp(body: schemas.CodeBody, mine: Mine) -> schemas.TotpView:
    """Show by a first code that the app is set up: from now on a sign-in asks for one. Your other sessions end."""
    return schemas.TotpView.model_validate(mine.confirm(body.code), from_attributes=True)


@router.post("/me/totp/disable", status_code=204)
def disable_totp(body: schemas.DisableBody, principal: Own, request: Request) -> None:
    """Ask for no more codes. Takes the password and a code; wrong ones are counted as a sign-in's are."""
    databases: Databases = request.app.state.databases
    attempt = attempt_of(databases, principal)
    with passwords.turn(attempt.source or ""):
        signing_in.disable_totp(databases.system, attempt, body.password, body.code, request.app.state.doors)


@router.delete("/tenants/{tenant_id}/users/{user_id}/totp", status_code=204, dependencies=[within(Action.MANAGE_USERS)])
def reset_totp(tenant_id: UUID, user_id: UUID, session: TenantTx, tenants: TenantsHere, principal: Caller) -> None:
    """Take away the one-time codes of a user who lost the app. The sessions end. Not your own (403)."""
    tenants.show(tenant_id)
    second_factors.reset(session, TenantId(tenant_id), user_id, principal)
