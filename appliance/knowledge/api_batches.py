"""Routes of batches: translation only."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx, allow
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.knowledge.batches import Batch, Batches
from appliance.licensing.points import Point
from appliance.licensing.web import licensed
from appliance.tenants.once import ONCE, OnceRoute

router = APIRouter(prefix="/api/v1", tags=["knowledge"], route_class=OnceRoute)

READ = allow(Action.READ_JOBS)
WRITE = allow(Action.WRITE_DOCUMENTS)


class BatchBody(BaseModel):
    """Files that are going to be uploaded into a collection as one act."""

    model_config = ConfigDict(extra="forbid")

    collection_id: UUID
    files: int | None = Field(None, ge=0, le=1_000_000, description="How many; None: not known")


class PaceView(BaseModel):
    """How fast documents were done, and when all will be: from ``earliest`` to ``latest`` eight times of ten.

    Measured over the newest ``measured`` documents; true as far as what is left is like them.
    """

    per_minute: float
    left_seconds: float
    done_at: datetime
    earliest: datetime
    latest: datetime
    measured: int


class BatchView(BaseModel):
    """How far a batch is. ``unchanged`` files had nothing to be read; no ``pace`` while too few have ended."""

    id: UUID
    kind: str
    collection_id: UUID
    total: int
    left: int
    unchanged: int
    states: Mapping[str, int]
    pace: PaceView | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """The view of a batch."""
        fields = asdict(batch)
        return cls(collection_id=fields.pop("collection"), **fields)


class BatchList(BaseModel):
    """A page of batches, newest first."""

    items: list[BatchView]
    next_cursor: str | None


def _batches(session: Tx, principal: Caller) -> Batches:
    return Batches(session, principal)


Service = Annotated[Batches, Depends(_batches)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


@router.post("/batches", status_code=201, dependencies=[WRITE, licensed(Point.WRITING), ONCE])
def begin_batch(body: BatchBody, batches: Service) -> BatchView:
    """Begin a batch: uploads that name it are counted together."""
    return BatchView.of(batches.one(batches.begin(body.collection_id, "ingest", body.files)))


@router.get("/batches", dependencies=[READ])
def list_batches(batches: Service, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT) -> BatchList:
    """List your batches, newest first; for administrators all."""
    page = batches.page(cursor, limit)
    return BatchList(items=[BatchView.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/batches/{batch_id}", dependencies=[READ])
def show_batch(batch_id: UUID, batches: Service) -> BatchView:
    """Show how far a batch is: counts by state, pace and end."""
    return BatchView.of(batches.one(batch_id))


@router.post("/batches/{batch_id}/end", dependencies=[WRITE])
def end_batch(batch_id: UUID, batches: Service) -> BatchView:
    """Say that nothing more comes: what was announced and did not come is not waited for."""
    return BatchView.of(batches.end(batch_id))
