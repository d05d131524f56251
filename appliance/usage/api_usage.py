"""Routes of usage: sums, records, the month's account, cost, CSV. Translation only."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from appliance.access.permissions import Action
from appliance.access.web import Caller, Databases, TenantTx, allow
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings, UsageSettings
from appliance.licensing.place import Place
from appliance.licensing.service import Licensing
from appliance.tenants.within import within
from appliance.usage import cost, csv
from appliance.usage import usage_schemas as schemas
from appliance.usage.reading import Asked
from appliance.usage.reports import By, Line, Reports

router = APIRouter(prefix="/api/v1/tenants/{tenant_id}/usage", tags=["usage"])
costs = APIRouter(prefix="/api/v1/usage", tags=["usage"])
READ = within(Action.READ_USAGE)
CSV = "text/csv; charset=utf-8"
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]
Moment = Annotated[AwareDatetime | None, Query(examples=["2026-11-01T00:00:00Z"])]
Month = Annotated[str | None, Query(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$", examples=["2026-11"])]


def _settings(request: Request) -> UsageSettings:
    settings: Settings = request.app.state.settings
    return settings.usage


def _appliance(request: Request) -> UUID:
    """This appliance's id, which every export carries: two clones of a machine cannot be told apart without it."""
    databases: Databases = request.app.state.databases
    with databases.operator.session() as session:
        return Licensing(session, Place.of(request.app.state.settings)).show().appliance_id


Costs = Annotated[UsageSettings, Depends(_settings)]
Appliance = Annotated[UUID, Depends(_appliance)]


def _reports(tenant_id: UUID, session: TenantTx, settings: Costs) -> Reports:
    return Reports(session, tenant_id, settings)


def _asked(
    since: Moment = None,
    until: Moment = None,
    user_id: UUID | None = None,
    key_id: UUID | None = None,
    route: Annotated[str | None, Query(max_length=100)] = None,
) -> Asked:
    """Which usage is asked for."""
    return Asked(since, until, user_id, key_id, route)


Service = Annotated[Reports, Depends(_reports)]
Which = Annotated[Asked, Depends(_asked)]


@router.get("", dependencies=[READ])
def show_usage(
    tenant_id: UUID, service: Service, which: Which, settings: Costs, appliance: Appliance, by: By = By.DAY
) -> schemas.UsageView:
    """Sum a tenant's usage by hour, day, month, user, key, route or model, in its time zone."""
    items = [_line(line) for line in service.sums(by, which)]
    return schemas.UsageView(
        appliance_id=appliance,
        tenant_id=tenant_id,
        by=by,
        currency=settings.currency,
        items=items,
        waiting=service.waiting(),
    )


@router.get("/records", dependencies=[READ])
def list_usage_records(
    service: Service, which: Which, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> schemas.RecordList:
    """List the requests of a tenant, newest first: whose, of which model, how many tokens and seconds; no content."""
    page = service.records(which, cursor, limit)
    items = [schemas.RecordView.model_validate(asdict(record)) for record in page.items]
    return schemas.RecordList(items=items, next_cursor=page.next_cursor)


@router.get(
    "/export",
    dependencies=[READ],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "The records, one a line"}},
)
def export_usage(
    tenant_id: UUID, request: Request, principal: Caller, which: Which, settings: Costs, appliance: Appliance
) -> StreamingResponse:
    """Export the requests of a tenant as CSV; each line carries the id of this appliance."""
    databases: Databases = request.app.state.databases

    def lines() -> Iterator[str]:
        login = databases.operator if principal.role.of_the_appliance else databases.app
        yield csv.heading()
        cursor: str | None = None
        while True:  # a transaction a page: none stays open while the reader is slow
            with login.session(tenant_id) as session:
                page = Reports(session, tenant_id, settings).records(which, cursor, LARGEST_LIMIT)
            yield from (csv.line(appliance, tenant_id, record) for record in page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    return StreamingResponse(lines(), media_type=CSV)


@router.get("/account", dependencies=[READ])
def show_account(
    tenant_id: UUID, service: Service, settings: Costs, appliance: Appliance, month: Month = None
) -> schemas.AccountView:
    """Show what a tenant is to be charged for a month, by default the present one: its chargeback report."""
    account = service.account(_day(month))
    prices = cost.list_prices()
    return schemas.AccountView(
        appliance_id=appliance,
        tenant_id=tenant_id,
        month=account.month,
        since=account.window.start,
        until=account.window.end,
        time_zone=account.time_zone,
        currency=settings.currency,
        total=_line(account.total),
        users=[_line(line) for line in account.users],
        keys=[_line(line) for line in account.keys],
        routes=[_line(line) for line in account.routes],
        models=[_line(line) for line in account.models],
        cost_per_million_tokens=account.per_million,
        clouds=[schemas.CloudView.model_validate(asdict(one)) for one in account.clouds],
        list_prices_as_of=prices.as_of,
        list_prices_currency=prices.currency,
        waiting=account.waiting,
    )


@router.get(
    "/account/export",
    dependencies=[READ],
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "The account, its total and its parts, one a line"}},
)
def export_account(service: Service, settings: Costs, appliance: Appliance, month: Month = None) -> Response:
    """Export what a tenant is to be charged for a month as CSV: the total, then by user, key, route and model."""
    found = service.account(_day(month))
    return Response("".join(csv.account(appliance, found, settings.currency)), media_type=CSV)


@costs.get("/cost", dependencies=[allow(Action.READ_USAGE)])
def show_cost(settings: Costs, appliance: Appliance) -> schemas.CostView:
    """Show what a busy second of this server costs by its settings, and the clouds' list prices with their day."""
    return schemas.CostView(
        appliance_id=appliance,
        currency=settings.currency,
        per_gpu_second=cost.of_second(settings),
        list_prices=schemas.PriceListView.model_validate(asdict(cost.list_prices())),
    )


def _day(month: str | None) -> date | None:
    return None if month is None else date.fromisoformat(f"{month}-15")


def _line(line: Line) -> schemas.LineView:
    return schemas.LineView(name=line.name, cost=line.cost, **asdict(line.sums))
