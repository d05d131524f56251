"""What goes over the wire about tenants."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from appliance.tenants.settings import TenantSettings

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
SHORTEST_PASSWORD = 12
Password = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=200)]


State = Literal["active", "suspended"]
TenantState = Literal["active", "suspended", "deleting", "deleted"]
ID = "0199f4a2-7c1e-7b3a-9d4e-2f6a8c0b1d35"
SINCE = "2026-11-24T08:00:00Z"
TENANT: dict[str, Any] = {
    "id": ID,
    "name": "Works North",
    "state": "active",
    "settings": {
        "time_zone": "Europe/Zurich",
        "contact": None,
        "languages": ["en", "zh-Hans"],
        "require_totp": True,
        "keep_conversations_days": 365,
    },
    "version": 1,
    "created_at": SINCE,
}


def examples(example: dict[str, Any]) -> ConfigDict:
    """A body that takes no other fields, with an example of it."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class Body(BaseModel):
    """Takes no other fields."""

    model_config = ConfigDict(extra="forbid")


class TenantBody(Body):
    """A tenant to create."""

    model_config = examples({"name": "Works North", "settings": {"time_zone": "Europe/Zurich"}})

    name: Name
    settings: TenantSettings = TenantSettings()


class TenantChange(Body):
    """What to change of a tenant; what is left out stays."""

    model_config = examples({"name": "Works South"})

    name: Name | None = None
    settings: TenantSettings | None = None


class TenantView(BaseModel):
    """A tenant. ``version`` in quotes is its ETag."""

    model_config = ConfigDict(json_schema_extra={"examples": [TENANT]})

    id: UUID
    name: str
    state: TenantState
    settings: TenantSettings
    version: int
    created_at: datetime


class TenantList(BaseModel):
    """A page of tenants."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [TENANT], "next_cursor": None}]})

    items: list[TenantView]
    next_cursor: str | None
