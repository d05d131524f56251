"""Whether a model version fits a machine: translation only."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from appliance.access.permissions import Action
from appliance.access.web import Tx, allow
from appliance.catalog import fitting, schemas_fit
from appliance.catalog.fit import Machine, Numbers, Plan, Quantisation, Wish
from appliance.catalog.lora import LARGEST_RANK
from appliance.catalog.service import Catalog
from appliance.drivers import devices

router = APIRouter(prefix="/models")


@router.get("/{model_id}/fit", dependencies=[allow(Action.READ_MODELS)])
def fit_model(  # noqa: PLR0913, PLR0917 - what is asked for stands in the address
    model_id: UUID,
    session: Tx,
    gpu: Annotated[str | None, Query(max_length=20, description="1x24GB, cpu:16GB; this host when left out")] = None,
    context: Annotated[int, Query(ge=256, le=1_048_576)] = 4096,
    concurrency: Annotated[int, Query(ge=1, le=1024)] = 16,
    dtype: Annotated[Numbers | None, Query(description="Left out: this host's own; elsewhere bfloat16")] = None,
    quantisation: Quantisation = "none",
    adapters: Annotated[int, Query(ge=0, le=256)] = 0,
    adapter_rank: Annotated[int, Query(ge=1, le=LARGEST_RANK)] = 16,
) -> schemas_fit.PlanView:
    """Plan how a version would run: memory part by part, engine settings, concurrency; or why not, and what would."""
    machine = Machine.parse(gpu) if gpu else fitting.here(devices.survey())
    own: Numbers = "bfloat16" if gpu else fitting.numbers(machine, bfloat16=devices.bfloat16())
    wish = Wish(context, concurrency, dtype or own, quantisation, adapters, adapter_rank)
    return _view(fitting.planned(Catalog(session).one(model_id), machine, wish))


def _view(plan: Plan) -> schemas_fit.PlanView:
    nearest = _view(plan.nearest) if plan.nearest else None
    parts = {name: value for name, value in asdict(plan).items() if name not in ("nearest", "wish", "slots")}
    wish = {name: value for name, value in asdict(plan.wish).items() if name != "slots"}
    return schemas_fit.PlanView(**parts, **wish, adapters=plan.slots, fits=plan.fits, nearest=nearest)
