"""What goes over the wire about users, groups and keys."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.access.permissions import Action
from appliance.access.principal import Role
from appliance.tenants.schemas import ID, SINCE, Name, Password, State, examples

Kind = Literal["person", "service"]
Scopes = Annotated[
    list[Action] | None,
    Field(min_length=1, max_length=len(Action), description="Names of actions; null: all of the role's"),
]
Models = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100)]] | None,
    Field(min_length=1, max_length=100, description="Names of routes that may be sent as 'model'; null: all"),
]
LONGEST_OVERLAP = 30 * 24

USER: dict[str, Any] = {
    "id": ID,
    "tenant_id": ID,
    "kind": "person",
    "login": "ann",
    "name": "Ann Lee",
    "role": "editor",
    "state": "active",
    "version": 1,
    "created_at": SINCE,
}
GROUP: dict[str, Any] = {"id": ID, "name": "Board", "members": 3, "version": 1, "created_at": SINCE}
KEY: dict[str, Any] = {
    "id": ID,
    "user_id": ID,
    "name": "nightly import",
    "scopes": ["write_documents"],
    "models": None,
    "created_at": SINCE,
    "expires_at": "2027-11-24T08:00:00Z",
    "revoked_at": None,
    "last_used_at": SINCE,
}


class UserBody(BaseModel):
    """A user to create. A service account has no password: it uses keys only."""

    model_config = examples({"login": "ann", "name": "Ann Lee", "role": "editor"})

    login: Name
    name: Name
    role: Role = Role.MEMBER
    kind: Kind = "person"
    password: Password | None = None


class UserChange(BaseModel):
    """What to change of a user; what is left out stays."""

    model_config = examples({"role": "tenant_admin"})

    name: Name | None = None
    role: Role | None = None


class PasswordBody(BaseModel):
    """A person's new password."""

    model_config = examples({"password": "correct horse battery staple"})

    password: Password


class UserView(BaseModel):
    """A user. ``version`` in quotes is its ETag."""

    model_config = ConfigDict(json_schema_extra={"examples": [USER]})

    id: UUID
    tenant_id: UUID
    kind: Kind
    login: str
    name: str
    role: Role
    state: State
    version: int
    created_at: datetime


class UserList(BaseModel):
    """A page of users."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [USER], "next_cursor": None}]})

    items: list[UserView]
    next_cursor: str | None


class GroupBody(BaseModel):
    """A group to create, or its new name."""

    model_config = examples({"name": "Board"})

    name: Name


class GroupView(BaseModel):
    """A group; access lists name it ``group:<id>``. ``version`` in quotes is its ETag; members do not change it."""

    model_config = ConfigDict(json_schema_extra={"examples": [GROUP]})

    id: UUID
    name: str
    members: int
    version: int
    created_at: datetime


class GroupList(BaseModel):
    """A page of groups."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [GROUP], "next_cursor": None}]})

    items: list[GroupView]
    next_cursor: str | None


class KeyBody(BaseModel):
    """A key to create."""

    model_config = examples({"name": "nightly import", "scopes": ["write_documents"], "expires_at": KEY["expires_at"]})

    name: Name
    scopes: Scopes = None
    models: Models = None
    expires_at: Annotated[AwareDatetime | None, Field(description="When it ends by itself; null: never")] = None


class RotateBody(BaseModel):
    """How long the old key goes on beside the new one."""

    model_config = examples({"overlap_hours": 24})

    overlap_hours: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP)] = 24


class KeyView(BaseModel):
    """A key; never its secret. Null ``scopes`` or ``models``: not limited."""

    model_config = ConfigDict(json_schema_extra={"examples": [KEY]})

    id: UUID
    user_id: UUID
    name: str
    scopes: list[str] | None
    models: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKeyView(KeyView):
    """A new key with its secret, shown this once: null when a repeated ``Idempotency-Key`` asks again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**KEY, "key": "sk-…"}]})

    key: str | None


class KeyList(BaseModel):
    """A page of keys."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [KEY], "next_cursor": None}]})

    items: list[KeyView]
    next_cursor: str | None
