"""Routes of model versions: translation only."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session

from appliance.access.permissions import Action
from appliance.access.principal import Principal
from appliance.access.web import Caller, Databases, OperatorTx, Tx, allow
from appliance.audit.service import Audit
from appliance.catalog import api_adapters, api_entries, api_fit, entry, importing, pulling, schemas
from appliance.catalog.activation import Consent
from appliance.catalog.manifest import Kind
from appliance.catalog.service import Catalog, ModelVersion, inspect
from appliance.jobs.schemas import JobView
from appliance.jobs.service import Jobs
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings
from appliance.tenants.once import ONCE, OnceRoute

models = APIRouter(prefix="/models", route_class=OnceRoute)

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


@models.get("", dependencies=[allow(Action.READ_MODELS)])
def list_models(
    session: Tx,
    name: str | None = None,
    kind: Kind | None = None,
    state: schemas.State | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> schemas.ModelList:
    """List model versions, oldest first, or those with a name, kind or state."""
    page = Catalog(session).list(cursor, limit, name=name, kind=kind, state=state)
    return schemas.ModelList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@models.post("/pull", status_code=202, dependencies=[allow(Action.MANAGE_MODELS), ONCE])
def pull_model(body: schemas.PullBody, session: Tx, principal: Caller, request: Request) -> JobView:
    """Fetch a model into the store unless it is there, check every byte and register it, as a job (operator)."""
    settings: Settings = request.app.state.settings
    pulling.known(settings.model_store, body.name)
    return _asked(session, principal, pulling.PULL, {"name": body.name}, body.name)


@models.post("/import", status_code=202, dependencies=[allow(Action.MANAGE_MODELS), ONCE])
def import_model(body: schemas.ImportBody, session: Tx, principal: Caller) -> JobView:
    """Import a model version from a path on the server, as a job (operator): copied, checked, sealed, registered."""
    importing.located(body.path)
    if body.entry is not None:
        entry.one(body.entry)
    return _asked(session, principal, importing.IMPORT, body.model_dump(), f"{body.path} {body.name or ''}")


@models.get("/{model_id}", dependencies=[allow(Action.READ_MODELS)])
def show_model(model_id: UUID, session: Tx) -> schemas.ModelDetail:
    """Show a model version: its files, its signature, the terms of its weights' licence and who accepted them."""
    version = Catalog(session).one(model_id)
    terms = version.terms
    return schemas.ModelDetail(
        **dict(_view(version)), terms=terms, doubts=list(terms.doubts), source=version.source, files=dict(version.files)
    )


@models.post("/{model_id}/activate", dependencies=[allow(Action.MANAGE_MODELS)])
def activate_model(
    model_id: UUID, body: schemas.ActivateBody, session: OperatorTx, principal: Caller
) -> schemas.ModelView:
    """Accept the weights' licence in your name, so that engines may load the version (operator).

    Terms that are unknown, or forbid commercial use, need an override with a reason. All of it is audited.
    """
    consent = Consent(principal.user, body.accept_licence, body.override)
    catalog = Catalog(session)
    before, version = catalog.one(model_id), catalog.activate(model_id, consent)
    if before.activated_at is None:
        audit = Audit(session, principal.tenant, principal.user)
        audit.record("model.activate", version.id, after=version.digest, name=version.name, **version.accepted)
    return _view(version)


@models.post("/{model_id}/verify", dependencies=[allow(Action.MANAGE_MODELS)])
def verify_model(model_id: UUID, request: Request, principal: Caller) -> schemas.ModelView:
    """Read every byte of a version again; its state says what was found (operator)."""
    databases: Databases = request.app.state.databases
    with databases.operator.session() as session:
        version = Catalog(session).one(model_id)
    finding = inspect(version)  # no transaction is open meanwhile
    with databases.operator.session() as session:
        found = Catalog(session).record(model_id, finding)
        Audit(session, principal.tenant, principal.user).record("model.verify", model_id, state=found.state)
        return _view(found)


def _asked(session: Session, principal: Principal, kind: str, args: dict[str, Any], subject: str) -> JobView:
    jobs = Jobs(session, principal.tenant)
    job = jobs.ask(kind, args, key=subject)
    Audit(session, principal.tenant, principal.user).record(kind, job, **args)
    return JobView.of(jobs.one(job))


def _view(version: ModelVersion) -> schemas.ModelView:
    return schemas.ModelView(
        id=version.id,
        name=version.name,
        kind=version.kind,
        digest=version.digest,
        bytes=version.bytes,
        languages=sorted(version.languages),
        licence=version.licence,
        state=version.state,
        reason=version.reason,
        created_at=version.created_at,
        verified_at=version.verified_at,
        entry=version.entry,
        signature=version.signature,
        signed_by=version.signed_by,
        activated_at=version.activated_at,
        activated_by=version.activated_by,
        accepted=schemas.Acceptance(**version.accepted) if version.accepted else None,
    )


router = APIRouter(prefix="/api/v1", tags=["models"])
router.include_router(models)
router.include_router(api_fit.router)
router.include_router(api_entries.router)
router.include_router(api_adapters.router)
