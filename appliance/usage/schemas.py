"""What goes over the wire about quotas."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.usage.measures import Kind, Measure

ID = "0199f4a2-7c1e-7b3a-9d4e-2f6a8c0b1d35"
SINCE = "2026-11-24T08:00:00Z"
LARGEST = 2**53 - 1
"""What JSON's readers keep exactly."""
Amount = Annotated[int, Field(ge=0, le=LARGEST)]
_MEASURES = {measure.value for measure in Measure}


def shown(example: dict[str, Any]) -> ConfigDict:
    """An answer with an example of it."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def taken(example: dict[str, Any]) -> ConfigDict:
    """A body that takes no other fields, with an example of it."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


LIMITS = {"requests_per_minute": 60, "tokens_per_day": 200_000, "tokens_per_month": 3_000_000}
QUOTA: dict[str, Any] = {
    **dict.fromkeys(Measure),
    **LIMITS,
    "id": ID,
    "kind": "user",
    "subject_id": ID,
    "version": 1,
    "created_at": SINCE,
}


class Limits(BaseModel):
    """The limits; null: not limited by this quota. Others of the same caller hold all the same."""

    model_config = ConfigDict(extra="forbid")

    requests_per_minute: Amount | None = None
    tokens_per_minute: Amount | None = None
    tokens_per_day: Annotated[Amount | None, Field(description="Of the tenant's day")] = None
    tokens_per_month: Annotated[Amount | None, Field(description="Of the tenant's month")] = None
    concurrent_requests: Amount | None = None
    documents: Amount | None = None
    bytes: Annotated[Amount | None, Field(description="Of the newest content of each document")] = None
    training_seconds_per_month: Amount | None = None

    def chosen(self) -> dict[Measure, int | None]:
        """Those that were named."""
        return {Measure(name): value for name, value in self if name in self.model_fields_set & _MEASURES}


class QuotaBody(Limits):
    """A quota to create. ``subject_id``: the user or key; left out for the tenant's own."""

    model_config = taken({"kind": "user", "subject_id": ID, **LIMITS})

    kind: Kind
    subject_id: UUID | None = None


class QuotaChange(Limits):
    """Limits to set; null takes one away, what is left out stays."""

    model_config = taken({"tokens_per_day": 400_000})


class QuotaView(Limits):
    """A quota. ``version`` in quotes is its ETag."""

    model_config = taken(QUOTA)

    id: UUID
    kind: Kind
    subject_id: UUID
    version: int
    created_at: datetime


class QuotaList(BaseModel):
    """A page of quotas."""

    model_config = shown({"items": [QUOTA], "next_cursor": None})

    items: list[QuotaView]
    next_cursor: str | None


STANDING = {"measure": "tokens_per_day", "limit": 200_000, "used": 12_345, "resets_at": "2026-11-25T23:00:00Z"}


class StandingView(BaseModel):
    """How a limit stands. ``used``: with what running requests hold; null for minutes and what runs at once."""

    model_config = shown(STANDING)

    measure: Measure
    limit: int
    used: int | None
    resets_at: datetime | None


class QuotaStanding(QuotaView):
    """A quota and how each of its limits stands."""

    model_config = taken({**QUOTA, "standing": [STANDING]})

    standing: list[StandingView]
