"""What goes over the wire about model versions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from appliance.catalog.entry import Entry, Name, Terms
from appliance.catalog.manifest import Kind

State = Literal["verified", "tampered", "missing"]
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]


class PullBody(BaseModel):
    """Which model to fetch: its name in the model store."""

    model_config = ConfigDict(extra="forbid")

    name: ModelName


class ImportBody(BaseModel):
    """What to import: an absolute path on the server (directory, bundle, hub cache or snapshot), or ``package:NAME``.

    ``name`` may be left out for a bundle, which has its own; ``entry`` is the catalogue's, the one of the same name
    when left out.
    """

    model_config = ConfigDict(extra="forbid")

    path: Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^(/|package:)[^\x00]*$")]
    name: ModelName | None = None
    entry: Name | None = None
    kind: Kind | None = None


class ActivateBody(BaseModel):
    """The operator's consent. ``override``: why in spite of what is unknown or forbidden, for the audit record."""

    model_config = ConfigDict(extra="forbid")

    accept_licence: bool = False
    override: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=1000)] | None = None


class Acceptance(BaseModel):
    """What was accepted: the licence, the digest of its terms and the day they were read, in spite of which doubts."""

    licence: str
    terms: str
    read: str
    doubts: list[str]
    override: str | None


class ModelView(BaseModel):
    """A model version. ``activated_by`` null on an active one: it came with the appliance."""

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
    entry: str | None
    signature: str
    signed_by: str | None
    activated_at: datetime | None
    activated_by: UUID | None
    accepted: Acceptance | None


class ModelDetail(ModelView):
    """A model version with the terms of its weights' licence, as the catalogue has them now, and its files."""

    terms: Terms
    doubts: list[str]
    source: str
    files: dict[str, str]


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
