"""Routes of quotas and usage: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from appliance.access.permissions import Action
from appliance.access.web import TENANT_TRANSACTION, Caller, TenantTx
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.tenants import etags
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import IfMatch, within
from appliance.usage import api_usage, schemas
from appliance.usage.quotas import Quota, Quotas

quotas = APIRouter(prefix="/api/v1/tenants/{tenant_id}/quotas", tags=["usage"], route_class=OnceRoute)
READ = within(Action.READ_USAGE)
MANAGE = within(Action.MANAGE_QUOTAS)
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def _quotas(tenant_id: UUID, session: TenantTx, principal: Caller) -> Quotas:
    return Quotas(session, tenant_id, principal)


Service = Annotated[Quotas, Depends(_quotas)]


@quotas.post("", status_code=201, dependencies=[MANAGE, once(TENANT_TRANSACTION)])
def create_quota(body: schemas.QuotaBody, service: Service, response: Response) -> schemas.QuotaView:
    """Limit a user or a key; the tenant itself by the operator. In force within two seconds."""
    return _view(service.create(body.kind, body.subject_id, body.chosen()), response)


@quotas.get("", dependencies=[READ])
def list_quotas(
    service: Service, subject_id: UUID | None = None, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.QuotaList:
    """List the quotas of a tenant, or the one of a tenant, user or key."""
    page = service.list(cursor, limit, subject_id)
    return schemas.QuotaList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@quotas.get("/{quota_id}", dependencies=[READ])
def show_quota(quota_id: UUID, service: Service, response: Response) -> schemas.QuotaStanding:
    """Show a quota and how much of each of its limits is used."""
    view = _view(service.show(quota_id), response)
    standing = [schemas.StandingView.model_validate(asdict(one)) for one in service.standing(quota_id)]
    return schemas.QuotaStanding(**view.model_dump(), standing=standing)


@quotas.patch("/{quota_id}", dependencies=[MANAGE])
def change_quota(
    quota_id: UUID, body: schemas.QuotaChange, service: Service, response: Response, if_match: IfMatch = None
) -> schemas.QuotaView:
    """Change limits. In force within two seconds; what workers have leased before stays leased until they use it."""
    return _view(service.change(quota_id, if_match, body.chosen()), response)


@quotas.delete("/{quota_id}", status_code=204, dependencies=[MANAGE])
def delete_quota(quota_id: UUID, service: Service, if_match: IfMatch = None) -> None:
    """Take a quota's limits away."""
    service.delete(quota_id, if_match)


def _view(quota: Quota, response: Response | None = None) -> schemas.QuotaView:
    if response is not None:
        response.headers["etag"] = etags.tag(quota.version)
    return schemas.QuotaView.model_validate(
        {
            **{str(measure): amount for measure, amount in quota.amounts.items()},
            "id": quota.id,
            "kind": quota.kind,
            "subject_id": quota.subject,
            "version": quota.version,
            "created_at": quota.created_at,
        }
    )


router = APIRouter()
for each in (quotas, api_usage.router, api_usage.costs):
    router.include_router(each)
