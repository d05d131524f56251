"""What goes over the wire about invitations."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from appliance.access.principal import Role
from appliance.tenants.schemas import ID, SINCE, Name, Password, examples

InvitationState = Literal["pending", "accepted", "revoked", "expired"]
LONGEST_DAYS = 30
INVITATION: dict[str, Any] = {
    "id": ID,
    "tenant_id": ID,
    "login": "ann",
    "name": "Ann Lee",
    "role": "editor",
    "groups": [ID],
    "mail": "ann.lee@example.com",
    "mail_state": "sent",
    "state": "pending",
    "created_at": SINCE,
    "expires_at": "2026-12-01T08:00:00Z",
    "user_id": None,
}
LINK = "https://assistant.example.com/invitation#iv-…"
Mail = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+$"
    ),
    Field(examples=["ann.lee@example.com"]),
]
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS, description="Days that the link is good")]


class InvitationBody(BaseModel):
    """A person to ask in. ``mail`` is sent the link where mail is set up; it can always be copied."""

    model_config = examples({"login": "ann", "name": "Ann Lee", "role": "editor", "mail": "ann.lee@example.com"})

    login: Name
    name: Name | None = None
    role: Role = Role.MEMBER
    groups: Annotated[list[UUID], Field(max_length=100)] = []
    mail: Mail | None = None
    days: Days = 7


class ResendBody(BaseModel):
    """For how long the new link is good."""

    model_config = examples({"days": 7})

    days: Days = 7


class AcceptBody(BaseModel):
    """What the invited person shows and chooses."""

    model_config = examples({"token": "iv-…", "password": "correct horse battery staple"})

    token: Annotated[str, Field(min_length=1, max_length=200, description="What follows the # of the link")]
    password: Password
    name: Name | None = None


class AcceptedView(BaseModel):
    """The person may sign in now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"login": "ann"}]})

    login: str


class InvitationView(BaseModel):
    """An invitation, never with its link. ``mail_state``: none, waiting, sent, or why it was not."""

    model_config = ConfigDict(json_schema_extra={"examples": [INVITATION]})

    id: UUID
    tenant_id: UUID
    login: str
    name: str
    role: Role
    groups: list[UUID]
    mail: str | None
    mail_state: str
    state: InvitationState
    created_at: datetime
    expires_at: datetime
    user_id: UUID | None


class NewInvitationView(InvitationView):
    """A new invitation with its link, shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**INVITATION, "link": LINK}]})

    link: str


class InvitationList(BaseModel):
    """A page of invitations."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [INVITATION], "next_cursor": None}]})

    items: list[InvitationView]
    next_cursor: str | None
