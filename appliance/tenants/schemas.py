"""What goes over the wire about tenants and credentials."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from appliance.access.principal import Role

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
SHORTEST_PASSWORD = 12
Password = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=200)]


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


class UserView(BaseModel):
    """A user."""

    id: UUID
    login: str
    name: str
    role: Role
    state: str
    tenant_id: UUID
    created_at: datetime


class SignedInView(BaseModel):
    """The new key, shown once, and whose it is."""

    key: str
    user_id: UUID
    login: str
    role: Role
    tenant_id: UUID


class MeView(BaseModel):
    """Who the key belongs to."""

    user_id: UUID
    name: str
    role: Role
    tenant_id: UUID


class TenantBody(_Body):
    """A tenant to create."""

    name: Name


class TenantView(BaseModel):
    """A tenant."""

    id: UUID
    name: str
    state: str
    created_at: datetime


class TenantList(BaseModel):
    """A page of tenants."""

    items: list[TenantView]
    next_cursor: str | None


class UserBody(_Body):
    """A user to create."""

    login: Name
    name: Name
    role: Role = Role.MEMBER
    password: Password | None = None


class UserList(BaseModel):
    """A page of users."""

    items: list[UserView]
    next_cursor: str | None


class KeyBody(_Body):
    """A key to create."""

    name: Name


class KeyView(BaseModel):
    """A new key, shown once."""

    key: str
