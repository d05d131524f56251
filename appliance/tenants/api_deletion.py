"""Routes of the deletion of a tenant: translation only."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, TenantTx
from appliance.tenants import deletion_schemas as schemas
from appliance.tenants.deletions import Deletion, Deletions
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import within

router = APIRouter(prefix="/tenants/{tenant_id}/deletion", route_class=OnceRoute)
READ = within(Action.READ_TENANTS)
MANAGE = within(Action.MANAGE_TENANTS)


def _deletions(session: TenantTx, principal: Caller, request: Request) -> Deletions:
    kept: Callable[[UUID], bool] = request.app.state.kept
    return Deletions(session, principal, kept)


Service = Annotated[Deletions, Depends(_deletions)]


@router.post(
    "",
    status_code=201,
    dependencies=[MANAGE, once(TENANT_TRANSACTION, secret="token")],  # noqa: S106 - the name of the member
)
def request_deletion(tenant_id: UUID, deletions: Service) -> schemas.RequestedView:
    """Ask for a tenant's deletion (operator): it is suspended at once; the answer holds the token that confirms."""
    found = deletions.request(tenant_id)
    return schemas.RequestedView.model_validate(asdict(found))


@router.post("/confirm", status_code=202, dependencies=[MANAGE])
def confirm_deletion(tenant_id: UUID, body: schemas.ConfirmBody, deletions: Service) -> schemas.DeletionView:
    """Confirm it with the token and the tenant's name (operator). A job deletes everything; nothing leads back."""
    return _view(deletions.confirm(tenant_id, body.token, body.name))


@router.post("/retry", status_code=202, dependencies=[MANAGE])
def retry_deletion(tenant_id: UUID, deletions: Service) -> schemas.DeletionView:
    """Have a new job go on with a deletion whose job has failed (operator). Harmless while one is at it."""
    return _view(deletions.again(tenant_id))


@router.delete("", status_code=204, dependencies=[MANAGE])
def withdraw_deletion(tenant_id: UUID, deletions: Service) -> None:
    """Take back what was not confirmed yet (operator). The tenant stays suspended: resume it."""
    deletions.withdraw(tenant_id)


@router.get("", dependencies=[READ])
def show_deletion(tenant_id: UUID, deletions: Service) -> schemas.DeletionView:
    """Show how far the deletion of a tenant is (operator, auditor)."""
    return _view(deletions.show(tenant_id))


@router.get("/certificate", dependencies=[READ], responses={409: {}})
def show_certificate(tenant_id: UUID, deletions: Service) -> schemas.CertificateView:
    """The signed certificate of a deletion that is done (operator, auditor)."""
    return schemas.CertificateView.model_validate(json.loads(deletions.certificate(tenant_id)))


def _view(deletion: Deletion) -> schemas.DeletionView:
    return schemas.DeletionView.model_validate(asdict(deletion))
