"""What goes over the wire about signing in, sessions and one's own account."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from appliance.access.principal import Role
from appliance.tenants.schemas import ID, SHORTEST_PASSWORD, SINCE, Body, Name, Password, examples

Given = Annotated[str, Field(max_length=200)]
Code = Annotated[str, Field(min_length=1, max_length=40)]
USER_SESSION: dict[str, Any] = {
    "id": ID,
    "user_id": ID,
    "how": "password",
    "source": "10.1.2.3",
    "device": "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0",
    "created_at": SINCE,
    "seen_at": SINCE,
    "ends_at": "2026-11-24T09:00:00Z",
    "expires_at": "2026-11-24T20:00:00Z",
    "revoked_at": None,
    "current": True,
}


class LoginBody(Body):
    """Either login and password, or a one-time token (and the password to set)."""

    login: Name | None = None
    password: Given | None = None
    token: Given | None = None
    code: Annotated[Code | None, Field(description="A one-time or recovery code, where 'code_needed' asked for it")] = (
        None
    )
    session: Annotated[bool, Field(description="True: a session in a cookie, for a browser; else a key")] = False

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
    """Who signed in. The new key, shown once; for a session, which lies in a cookie, the token of its changes."""

    key: str | None
    csrf: str | None
    user_id: UUID
    login: str
    role: Role
    tenant_id: UUID


class MeView(BaseModel):
    """Who asks, and what the key is limited to (null: not limited). ``csrf``: with a session, for X-CSRF-Token."""

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
                    "session": None,
                    "csrf": None,
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
    session: UUID | None
    csrf: str | None


class OwnPasswordBody(BaseModel):
    """One's password, and the one to have from now on."""

    model_config = examples({"former": "old horse battery", "password": "correct horse battery staple"})

    former: Given
    password: Password


class TotpView(BaseModel):
    """Whether sign-ins ask for one-time codes, and how many recovery codes are left."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enrolled": True, "recovery_codes_left": 10}]})

    enrolled: bool
    recovery_codes_left: int


class EnrolmentView(BaseModel):
    """What to set an app up with: the secret in base32, or ``uri`` as a QR code; and recovery codes. Shown once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "secret": "GEZD…",
                    "uri": "otpauth://totp/Appliance:ann.lee?secret=GEZD…",
                    "recovery_codes": ["MFRG-…"],
                }
            ]
        }
    )

    secret: str
    uri: str
    recovery_codes: list[str]


class CodeBody(BaseModel):
    """The code that the app shows now."""

    model_config = examples({"code": "123456"})

    code: Code


class DisableBody(BaseModel):
    """One's password, and a one-time or recovery code."""

    model_config = examples({"password": "correct horse battery staple", "code": "123456"})

    password: Given
    code: Code


class SessionView(BaseModel):
    """A session; never its secret. ``ends_at`` moves on while it is in use, up to ``expires_at``."""

    model_config = ConfigDict(json_schema_extra={"examples": [USER_SESSION]})

    id: UUID
    user_id: UUID
    how: str
    source: str | None
    device: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    current: Annotated[bool, Field(description="Whether this request came with it")]


class SessionList(BaseModel):
    """A page of sessions that may be used now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [USER_SESSION], "next_cursor": None}]})

    items: list[SessionView]
    next_cursor: str | None


class EndedView(BaseModel):
    """How many sessions were ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ended": 2}]})

    ended: int
