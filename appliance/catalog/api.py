"""Routes of model versions: translation only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from appliance.access.permissions import Action
from appliance.access.web import Databases, Tx, allow
from appliance.catalog import api_adapters, api_entries, pulling, schemas
from appliance.catalog.service import Catalog, ModelVersion, inspect
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.kit.settings import Settings

models = APIRouter(prefix="/models")

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


@models.get("", dependencies=[allow(Action.READ_MODELS)])
def list_models(session: Tx, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT) -> schemas.ModelList:
    """List model versions, oldest first."""
    page = Catalog(session).list(cursor, limit)
    return schemas.ModelList(items=[_view(item) for item in page.items], next_cursor=page.next_cursor)


@models.post("/pull", status_code=201, dependencies=[allow(Action.MANAGE_MODELS)])
def pull_model(body: schemas.PullBody, request: Request) -> schemas.ModelView:
    """Fetch a model into the store unless it is there, check every byte and register it (operator).

    A model that must be fetched and converted first takes a minute or two.
    """
    settings: Settings = request.app.state.settings
    databases: Databases = request.app.state.databases
    directory = pulling.directory(settings.model_store, body.name)  # no transaction is open meanwhile
    with databases.operator.session() as session:
        return _view(Catalog(session).register(directory))


@models.post("/{model_id}/verify", dependencies=[allow(Action.MANAGE_MODELS)])
def verify_model(model_id: UUID, request: Request) -> schemas.ModelView:
    """Read every byte of a version again; its state says what was found (operator)."""
    databases: Databases = request.app.state.databases
    with databases.operator.session() as session:
        version = Catalog(session).one(model_id)
    finding = inspect(version)  # no transaction is open meanwhile
    with databases.operator.session() as session:
        return _view(Catalog(session).record(model_id, finding))


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
    )


router = APIRouter(prefix="/api/v1", tags=["models"])
router.include_router(models)
router.include_router(api_entries.router)
router.include_router(api_adapters.router)
