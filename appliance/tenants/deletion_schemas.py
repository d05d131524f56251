"""What goes over the wire about the deletion of a tenant."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.tenants.schemas import ID, SINCE, examples

TOKEN = "del-Zk3vT0pWq8m1nR5cXyLh2bUe7sJ4aGd9oQfVi6KtEwM"  # noqa: S105 - an example
DELETION: dict[str, Any] = {
    "tenant": ID,
    "name": "Works North",
    "state": "requested",
    "requested_at": SINCE,
    "expires_at": "2026-11-24T09:00:00Z",
    "confirmed_at": None,
    "job": None,
    "tally": {},
}


class KindView(BaseModel):
    """How many of a kind are gone, and a digest over their names: ids of rows, SHA-256 of files."""

    count: int
    digest: str


class DeletionView(BaseModel):
    """A deletion as it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [DELETION]})

    tenant: UUID
    name: str
    state: Literal["requested", "withdrawn", "confirmed", "done"]
    requested_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None
    job: UUID | None
    tally: dict[str, KindView]


class RequestedView(DeletionView):
    """A deletion that was asked for, with the token that confirms it, shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**DELETION, "token": TOKEN}]})

    token: str | None


class ConfirmBody(BaseModel):
    """What confirms: the token of the newest request and the tenant's name, typed."""

    model_config = examples({"token": TOKEN, "name": "Works North"})

    token: Annotated[str, Field(min_length=1, max_length=100)]
    name: Annotated[str, Field(min_length=1, max_length=200)]


class CertificateView(BaseModel):
    """A certificate. Its canonical JSON (sorted members, no spaces) is what verifies; the command line writes that."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "body": {
                        "format": "appliance deletion certificate v1",
                        "appliance": "8d1c1f0e2b7a4c5d9e3f6a7b8c9d0e1f",
                        "tenant": {"id": ID, "name": "Works North"},
                        "deleted": {"documents": {"count": 12, "digest": "ab" * 32}},
                        "kept": {"audit_entries": 40},
                    },
                    "key": "cd" * 32,
                    "signature": "ef" * 64,
                }
            ]
        }
    )

    body: dict[str, Any]
    key: str
    signature: str
