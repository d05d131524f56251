"""What goes over the wire about a tenant's directory."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.tenants.directory.settings import OidcSettings
from appliance.tenants.schemas import ID, SINCE, Name, examples

OIDC_SETTINGS: dict[str, Any] = OidcSettings.model_validate(
    {
        "issuer": "https://login.example.com/realms/works",
        "client_id": "appliance",
        "public_url": "https://assistant.example.com",
        "groups": {"staff-board": "Board"},
        "roles": {"it-admins": "tenant_admin"},
    }
).model_dump(mode="json")
OIDC: dict[str, Any] = {
    "has_secret": True,
    "redirect_uri": "https://assistant.example.com/api/v1/oidc/callback",
    "start_url": f"https://assistant.example.com/api/v1/oidc/{ID}/start",
    "version": 1,
    "changed_at": SINCE,
}
OIDC_TEST: dict[str, Any] = {
    "issuer": OIDC_SETTINGS["issuer"],
    "authorization_endpoint": "https://login.example.com/realms/works/auth",
    "keys": 2,
}


class ScimTokenBody(BaseModel):
    """A SCIM token to make."""

    model_config = examples({"name": "Entra", "expires_at": "2027-11-24T08:00:00Z"})

    name: Name = "SCIM"
    expires_at: Annotated[AwareDatetime | None, Field(description="When it ends by itself; null: never")] = None


class ScimTokenView(BaseModel):
    """A new SCIM token, shown this once, and what to enter at the directory. Revoke or rotate it as any key."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"key_id": ID, "user_id": ID, "name": "Entra", "path": "/scim/v2", "key": "sk-…", "expires_at": None}
            ]
        }
    )

    key_id: UUID
    user_id: UUID
    name: str
    path: Annotated[str, Field(description="The base path: enter it behind the appliance's address")]
    key: str | None
    expires_at: datetime | None


class OidcBody(OidcSettings):
    """An OIDC provider to set up. ``client_secret`` left out keeps the one that is there."""

    model_config = examples({**OIDC_SETTINGS, "client_secret": "…"})

    client_secret: Annotated[str | None, Field(min_length=1, max_length=500)] = None


class OidcView(BaseModel):
    """How a tenant's OIDC provider is set up, never with the secret. ``version`` in quotes is its ETag."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**OIDC, "settings": OIDC_SETTINGS}]})

    settings: OidcSettings
    has_secret: bool
    redirect_uri: Annotated[str, Field(description="To be registered at the provider")]
    start_url: Annotated[str, Field(description="Where people begin to sign in")]
    version: int
    changed_at: datetime


class OidcTestView(BaseModel):
    """What the provider answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [OIDC_TEST]})

    issuer: str
    authorization_endpoint: str
    keys: Annotated[int, Field(description="How many keys it signs with")]
