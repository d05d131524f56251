"""What goes over the wire about tenants and credentials."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from appliance.access.principal import Role
from appliance.tenants.settings import TenantSettings

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
SHORTEST_PASSWORD = 12
Password = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=200)]


State = Literal["active", "suspended"]
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
    },
    "version": 1,
    "created_at": SINCE,
}


def examples(example: dict[str, Any]) -> ConfigDict:
    """A body that takes no other fields, with an example of it."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LoginBody(_Body):
    """Either login and password, or a one-time token (and the password to set)."""

    login: Name | None = None
    password: Annotated[str, Field(max_length=200)] | None = None
    token: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "LoginBody":
        if self.token is None and (self.login is None or self.password is None):
            message = "send login and password, or a one-time token"
            raise ValueError(message)
        if self.token is not None and self.password and len(self.password) < SHORTEST_PASSWORD:
            message = f"a new password has {SHORTEST_PASSWORD} characters or more"
            raise ValueError(message)
        return self


class SignedInView(BaseModel):
    """The new key, shown once, and whose it is."""

    key: str
    user_id: UUID
    login: str
    role: Role
    tenant_id: UUID


class MeView(BaseModel):
    """Who the key belongs to, and what it is limited to (null: not limited)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": ID,
                    "name": "Ann Lee",
                    "role": "editor",
                    "tenant_id": ID,
                    "groups": [],
                    "scopes": ["ask", "read_documents"],
                    "models": None,
                }
            ]
        }
    )

    user_id: UUID
    name: str
    role: Role
    tenant_id: UUID
    groups: list[UUID]
    scopes: list[str] | None
    models: list[str] | None


class TenantBody(_Body):
    """A tenant to create."""

    model_config = examples({"name": "Works North", "settings": {"time_zone": "Europe/Zurich"}})

    name: Name
    settings: TenantSettings = TenantSettings()


class TenantChange(_Body):
    """What to change of a tenant; what is left out stays."""

    model_config = examples({"name": "Works South"})

    name: Name | None = None
    settings: TenantSettings | None = None


class TenantView(BaseModel):
    """A tenant. ``version`` in quotes is its ETag."""

    model_config = ConfigDict(json_schema_extra={"examples": [TENANT]})

    id: UUID
    name: str
    state: State
    settings: TenantSettings
    version: int
    created_at: datetime


class TenantList(BaseModel):
    """A page of tenants."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [TENANT], "next_cursor": None}]})

    items: list[TenantView]
    next_cursor: str | None
