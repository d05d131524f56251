"""Routes of the life of documents: translation only."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from appliance.access.permissions import Action
from appliance.access.web import Caller, Databases, Tx, allow
from appliance.kit import paging
from appliance.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from appliance.knowledge import life
from appliance.knowledge.life import Hold, Life
from appliance.licensing.points import Point
from appliance.licensing.web import licensed

router = APIRouter(prefix="/api/v1", tags=["knowledge"])

HOLDS = allow(Action.MANAGE_HOLDS)


class StageView(BaseModel):
    """A state that a document entered, with the reason where it failed."""

    state: str
    at: datetime
    reason_code: str | None
    reason: str | None


class HistoryView(BaseModel):
    """The states of a document, oldest first, the last hundred."""

    items: list[StageView]


class RetriedView(BaseModel):
    """How many documents are read again, and how many failed ones are left for the next request.

    No batch where none had failed.
    """

    batch_id: UUID | None
    retried: int
    left: int


class HoldBody(BaseModel):
    """Why a document must not be forgotten."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class HoldView(BaseModel):
    """A document that must not be forgotten."""

    tenant_id: UUID
    document_id: UUID
    reason: str
    held_at: datetime
    held_by: UUID

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """The view of a hold."""
        fields = asdict(hold)
        return cls(tenant_id=fields.pop("tenant"), document_id=fields.pop("document"), **fields)


class HoldList(BaseModel):
    """A page of holds."""

    items: list[HoldView]
    next_cursor: str | None


def _life(session: Tx, principal: Caller) -> Life:
    return Life(session, principal)


Service = Annotated[Life, Depends(_life)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


@router.get("/documents/{document_id}/history", dependencies=[allow(Action.READ_DOCUMENTS)])
def show_history(document_id: UUID, documents: Service) -> HistoryView:
    """The states that a document went through, with times and reasons."""
    return HistoryView(items=[StageView(**asdict(stage)) for stage in documents.history(document_id)])


@router.post(
    "/collections/{collection_id}/retry",
    status_code=202,
    dependencies=[allow(Action.WRITE_DOCUMENTS), licensed(Point.WRITING)],
)
def retry_failed(collection_id: UUID, documents: Service) -> RetriedView:
    """Read all documents of a collection again that failed."""
    batch, retried, left = documents.retry_failed(collection_id)
    return RetriedView(batch_id=batch, retried=retried, left=left)


@router.get("/documents/{document_id}/hold", dependencies=[HOLDS])
def show_hold(document_id: UUID, documents: Service) -> HoldView:
    """The legal hold of a document."""
    return HoldView.of(documents.held(document_id))


@router.put("/documents/{document_id}/hold", dependencies=[HOLDS])
def hold_document(document_id: UUID, body: HoldBody, documents: Service) -> HoldView:
    """Keep a document from being forgotten, whoever asks; one that is held already stays as it is."""
    return HoldView.of(documents.hold(document_id, body.reason))


@router.delete("/documents/{document_id}/hold", status_code=204, dependencies=[HOLDS])
def release_document(document_id: UUID, documents: Service) -> None:
    """Release a document's legal hold."""
    documents.release(document_id)


@router.get("/holds", dependencies=[allow(Action.MANAGE_HOLDS)])
def list_holds(
    principal: Caller, request: Request, cursor: str | None = None, limit: Limit = DEFAULT_LIMIT
) -> HoldList:
    """List legal holds: of your tenant; for an operator of all, by ids."""
    databases: Databases = request.app.state.databases
    everywhere = principal.role.of_the_appliance
    opened = databases.system.session() if everywhere else databases.app.session(principal.tenant)
    with opened as session:
        found = life.holds(session, paging.decode(cursor), limit + 1)
    page = paging.page(found, limit, [one.document for one in found])
    return HoldList(items=[HoldView.of(one) for one in page.items], next_cursor=page.next_cursor)
