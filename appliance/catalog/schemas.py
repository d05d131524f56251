"""What goes over the wire about model versions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from appliance.catalog.entry import Entry

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]


class PullBody(BaseModel):
    """Which model to fetch: its name in the model store."""

    model_config = ConfigDict(extra="forbid")

    name: ModelName


class ModelView(BaseModel):
    """A model version."""

    id: UUID
    name: str
    kind: str
    digest: str
    bytes: int
    languages: list[str]
    licence: str
    state: str
    reason: str | None
    created_at: datetime
    verified_at: datetime


class ModelList(BaseModel):
    """A page of model versions."""

    items: list[ModelView]
    next_cursor: str | None


class EntryView(Entry):
    """An entry of the catalogue, and what stands in the way of its activation."""

    doubts: tuple[str, ...]


class EntryList(BaseModel):
    """A page of entries by name."""

    items: list[EntryView]
    next_cursor: str | None


class AdapterView(BaseModel):
    """One version of an adapter; ``base``: the model version that it belongs to."""

    id: UUID
    name: str
    version: int
    base: UUID
    digest: str
    bytes: int
    rank: int
    modules: list[str]
    state: str
    reason: str | None
    created_by: UUID | None
    created_at: datetime
    verified_at: datetime


class AdapterList(BaseModel):
    """A page of adapters."""

    items: list[AdapterView]
    next_cursor: str | None
