"""What goes over the wire about a tenant's directory."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.tenants.schemas import ID, Name, examples


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
