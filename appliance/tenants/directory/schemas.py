"""What goes over the wire about a tenant's directory."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.tenants.directory.settings import LdapSettings, OidcSettings
from appliance.tenants.directory.syncing import Act
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
LDAP_SETTINGS: dict[str, Any] = LdapSettings.model_validate(
    {
        "host": "ldap.example.com",
        "bind_dn": "cn=appliance,ou=services,dc=example,dc=com",
        "user_base": "ou=people,dc=example,dc=com",
        "group_base": "ou=groups,dc=example,dc=com",
        "groups": {"board": "Board"},
    }
).model_dump(mode="json")
CHANGE: dict[str, Any] = {"act": "groups", "login": "ann", "user_id": ID, "detail": "-Board, +Works"}
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


class LdapBody(LdapSettings):
    """An LDAP directory to set up. ``bind_password`` left out keeps the one that is there."""

    model_config = examples({**LDAP_SETTINGS, "bind_password": "…"})

    bind_password: Annotated[str | None, Field(min_length=1, max_length=500)] = None


class LdapView(BaseModel):
    """How a tenant's LDAP directory is set up, never with the password. ``version`` in quotes is its ETag."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"settings": LDAP_SETTINGS, "has_secret": True, "version": 1, "changed_at": SINCE, "synced_at": SINCE}
            ]
        }
    )

    settings: LdapSettings
    has_secret: bool
    version: int
    changed_at: datetime
    synced_at: Annotated[datetime | None, Field(description="When a sync last came to its end")]


class LdapTestView(BaseModel):
    """What the directory shows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"users": 412, "groups": 37, "unusable": 0}]})

    users: int
    groups: int
    unusable: Annotated[int, Field(description="Entries without a login or without an id")]


class ChangeView(BaseModel):
    """One thing that a sync would do about one person."""

    model_config = ConfigDict(json_schema_extra={"examples": [CHANGE]})

    act: Act
    login: str
    user_id: Annotated[UUID | None, Field(description="null: not here yet")]
    detail: str


class PreviewView(BaseModel):
    """What a sync would change: the first thousand, and how many in all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [CHANGE], "total": 1}]})

    items: list[ChangeView]
    total: int


class SyncView(BaseModel):
    """The job that syncs."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"job": ID}]})

    job: UUID
