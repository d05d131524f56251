"""What goes over the wire about exports of a tenant."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.tenants.schemas import ID, SINCE

ExportState = Literal["waiting", "ready"]
EXPORT: dict[str, Any] = {
    "id": ID,
    "tenant_id": ID,
    "content": True,
    "job": ID,
    "bytes": 52428800,
    "sha256": "ab" * 32,
    "created_at": SINCE,
    "expires_at": "2026-11-25T08:00:00Z",
}


class ExportView(BaseModel):
    """An export. ``bytes`` and ``sha256`` are null until the archive is written."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXPORT]})

    id: UUID
    tenant_id: UUID
    content: bool = Field(description="Whether documents and conversations are in it: only for the tenant's own admins")
    job: UUID
    bytes: int | None
    sha256: str | None
    created_at: datetime
    expires_at: datetime


class ExportList(BaseModel):
    """A page of exports."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXPORT], "next_cursor": None}]})

    items: list[ExportView]
    next_cursor: str | None
