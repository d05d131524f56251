"""Routes of retention: translation only."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from appliance.access.permissions import Action
from appliance.access.web import Caller, Tx, allow
from appliance.knowledge.retention import Preview, Ran, Retention, Rule, Since

router = APIRouter(prefix="/api/v1", tags=["knowledge"])

MANAGE = [allow(Action.MANAGE_HOLDS)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class RuleBody(BaseModel):
    """Forget documents so many ``days`` after they were added or last modified; or all once a day (UTC) is over."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"days": 365, "since": "modified"}})

    days: Days | None = None
    since: Since | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.days is None) != (self.since is None) or (self.days is None) == (self.until is None):
            raise ValueError("give days and since, or until")
        return self

    def rule(self) -> Rule:
        """What is meant."""
        return Rule(**self.model_dump())


class RuleView(BaseModel):
    """A rule of retention."""

    days: int | None
    since: str | None
    until: date | None


class RunView(BaseModel):
    """A run that forgot documents; ``certificate``: canonical JSON, signed, once it has ended."""

    id: UUID
    rule: RuleView
    documents: int
    held: int
    begun_at: datetime
    ended_at: datetime | None
    certificate: str | None

    @classmethod
    def of(cls, run: Ran) -> Self:
        """The view of a run."""
        return cls(**asdict(run))


class RetentionView(BaseModel):
    """How long a collection keeps its documents (null: for good), and the last runs that forgot some, newest first."""

    rule: RuleView | None
    runs: list[RunView]


class DueView(BaseModel):
    """A document whose time is over."""

    document_id: UUID
    name: str
    due_at: datetime
    held: bool


class PreviewView(BaseModel):
    """What a run would do now: ``documents`` are due, ``held`` of them stay; the first 200 by their time."""

    documents: int
    held: int
    first: list[DueView]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """The view of it."""
        first = [DueView(document_id=d.document, name=d.name, due_at=d.due_at, held=d.held) for d in preview.first]
        return cls(documents=preview.documents, held=preview.held, first=first)


class PreviewBody(BaseModel):
    """The rule to be tried; null: the collection's."""

    model_config = ConfigDict(extra="forbid")

    rule: RuleBody | None = None


def _retention(session: Tx, principal: Caller) -> Retention:
    return Retention(session, principal)


Service = Annotated[Retention, Depends(_retention)]


@router.get("/collections/{collection_id}/retention", dependencies=MANAGE)
def show_retention(collection_id: UUID, retention: Service) -> RetentionView:
    """How long a collection keeps its documents, and what was forgotten by its rule."""
    rule = retention.rule(collection_id)
    runs = [RunView.of(one) for one in retention.runs(collection_id)]
    return RetentionView(rule=RuleView(**asdict(rule)) if rule else None, runs=runs)


@router.put("/collections/{collection_id}/retention", dependencies=MANAGE)
def change_retention(collection_id: UUID, body: RuleBody, retention: Service) -> RetentionView:
    """Set the rule; a job looks once a day, for the first time within the hour."""
    retention.change(collection_id, body.rule())
    return show_retention(collection_id, retention)


@router.delete("/collections/{collection_id}/retention", status_code=204, dependencies=MANAGE)
def remove_retention(collection_id: UUID, retention: Service) -> None:
    """Take the rule away: documents stay."""
    retention.change(collection_id, None)


@router.post("/collections/{collection_id}/retention/preview", dependencies=MANAGE)
def preview_retention(collection_id: UUID, body: PreviewBody, retention: Service) -> PreviewView:
    """Tell what the rule, or another, would forget now, and change nothing."""
    return PreviewView.of(retention.preview(collection_id, body.rule.rule() if body.rule else None))
