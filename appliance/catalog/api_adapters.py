"""Routes of a tenant's adapters: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile

from appliance.access.permissions import Action
from appliance.access.principal import TenantId
from appliance.access.web import TENANT_TRANSACTION, Caller, Databases, TenantTx
from appliance.audit.service import Audit
from appliance.catalog import adapters, schemas
from appliance.catalog.adapters import Adapter, Adapters, Allowance
from appliance.catalog.shelf import Shelf, Upload
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings
from appliance.licensing.asking import Licences
from appliance.tenants.once import OnceRoute, once
from appliance.tenants.within import within

router = APIRouter(prefix="/tenants/{tenant_id}/adapters", route_class=OnceRoute)
READ, MANAGE = within(Action.READ_ADAPTERS), within(Action.MANAGE_ADAPTERS)


def _adapters(tenant_id: UUID, session: TenantTx, request: Request) -> Adapters:
    settings: Settings = request.app.state.settings
    return Adapters(session, TenantId(tenant_id), Shelf(settings.layout.adapters))


def _audit(tenant_id: UUID, session: TenantTx, principal: Caller) -> Audit:
    return Audit(session, tenant_id, principal.user)


Service = Annotated[Adapters, Depends(_adapters)]
Record = Annotated[Audit, Depends(_audit)]


@router.post("", status_code=201, dependencies=[MANAGE, once(TENANT_TRANSACTION)])
def import_adapter(
    name: Annotated[schemas.ModelName, Form()],
    base: Annotated[UUID, Form()],
    config: UploadFile,
    weights: UploadFile,
    service: Service,
    audit: Record,
    request: Request,
) -> schemas.AdapterView:
    """Import a LoRA adapter for one model version: its ``adapter_config.json`` and ``adapter_model.safetensors``.

    It is checked against the base's own weights. A name that is there gets its next version; the same bytes as the
    newest version give that one.
    """
    settings: Settings = request.app.state.settings
    databases: Databases = request.app.state.databases
    licences: Licences = request.app.state.licences
    allowance = Allowance(licences.now(), adapters.counting(databases.system))
    upload = Upload(config.file, weights.file, settings.web.largest_upload)
    return _view(service.add(name, base, upload, allowance, audit))


@router.get("", dependencies=[READ])
def list_adapters(
    service: Service,
    name: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
) -> schemas.AdapterList:
    """List adapters, oldest first, or the versions of a name."""
    page = service.list(cursor, limit, name)
    return schemas.AdapterList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@router.get("/{adapter_id}", dependencies=[READ])
def show_adapter(adapter_id: UUID, service: Service) -> schemas.AdapterView:
    """Show one version of an adapter."""
    return _view(service.one(adapter_id))


@router.post("/{adapter_id}/verify", dependencies=[MANAGE])
def verify_adapter(adapter_id: UUID, service: Service, session: TenantTx, audit: Record) -> schemas.AdapterView:
    """Read every byte of an adapter again; its state says what was found."""
    adapters.record(session, adapter_id, adapters.inspect(service.one(adapter_id)))
    session.expire_all()
    found = service.one(adapter_id)
    audit.record("adapter.verify", adapter_id, state=found.state)
    return _view(found)


@router.delete("/{adapter_id}", status_code=204, dependencies=[MANAGE])
def delete_adapter(adapter_id: UUID, service: Service, audit: Record) -> None:
    """Delete one version of an adapter; engines let go of it, and its files go with the next sweep."""
    service.delete(adapter_id, audit)


def _view(found: Adapter) -> schemas.AdapterView:
    return schemas.AdapterView.model_validate(found, from_attributes=True)
