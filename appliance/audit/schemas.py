"""The audit record as the API tells it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from appliance.audit.chain import Head
from appliance.audit.verifying import Kind, Verdict


class EntryView(BaseModel):
    """An entry; ``seq`` is its number in the chain, null for the seconds in which it waits."""

    id: UUID
    seq: int | None
    tenant_id: UUID
    actor: UUID | None
    action: str
    object: str | None
    outcome: str
    request_id: str | None
    source: str | None
    before: str | None
    after: str | None
    details: Mapping[str, Any]
    created_at: datetime


class EntryList(BaseModel):
    """A page of entries, newest first."""

    items: list[EntryView]
    next_cursor: str | None


class HeadView(BaseModel):
    """Where the chain stood, signed (Ed25519)."""

    seq: int
    hash: str
    time: str
    appliance: str
    key: str
    signature: str

    @classmethod
    def of(cls, head: Head) -> Self:
        """The view of a head."""
        return cls(**asdict(head))

    def head(self) -> Head:
        """The head that this tells of."""
        return Head(**self.model_dump())


class HeadList(BaseModel):
    """Heads by number; the next page begins after the last one's."""

    items: list[HeadView]


class BreakView(BaseModel):
    """The first thing that is wrong."""

    kind: Kind
    seq: int
    entry: str | None
    detail: str


class VerdictView(BaseModel):
    """Whether the chain holds, from ``first`` to ``last``, and against how many heads."""

    holds: bool
    first: int
    last: int
    hash: str
    heads: int
    broken: BreakView | None

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """The view of a verdict."""
        broken = BreakView(**asdict(verdict.broken)) if verdict.broken else None
        parts = {name: getattr(verdict, name) for name in ("first", "last", "hash", "heads")}
        return cls(holds=broken is None, broken=broken, **parts)
