"""What goes over the wire about operating deployments and routes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

NAME = r"^[a-z0-9][a-z0-9._-]*$"
Name = Annotated[str, Field(pattern=NAME, max_length=100)]
Replicas = Annotated[int, Field(ge=1, le=64)]


class Body(BaseModel):
    """A request's body: what is not listed is refused."""

    model_config = ConfigDict(extra="forbid")


class ReplicaView(BaseModel):
    """One engine. ``in_service``: it may be asked; ``adapters``: what it has loaded; ``placement``: where, and why."""

    id: UUID
    actual: str
    reason: str | None
    in_service: bool
    adapters: list[str]
    placement: Mapping[str, Any]
    restarts: int
    actual_since: datetime


class DeploymentView(BaseModel):
    """A deployment: what is wanted beside what was last seen. ``serving_digest``: the version that answers now."""

    id: UUID
    name: str
    model: str
    model_id: UUID
    digest: str
    serving_digest: str | None
    engine: dict[str, Any]
    wanted_replicas: int
    desired: str
    actual: str
    reason: str | None
    restarts: int
    actual_since: datetime
    routes: list[str]
    replicas: list[ReplicaView]
    former_model_id: UUID | None
    version: int


class DeploymentList(BaseModel):
    """A page of deployments."""

    items: list[DeploymentView]
    next_cursor: str | None


class DeploymentBody(Body):
    """A new deployment. ``engine``: the settings that differ from the usual ones."""

    name: Name
    model_id: UUID
    engine: dict[str, Any] = Field(default_factory=dict)
    replicas: Replicas = 1


class DeploymentChange(Body):
    """What is to change; what is left out stays."""

    engine: dict[str, Any] | None = None
    replicas: Replicas | None = None


class SwapBody(Body):
    """The model version that takes over, and the engine settings that change with it."""

    model_id: UUID
    engine: dict[str, Any] | None = None


class LogView(BaseModel):
    """The last lines of one replica's engine."""

    replica_id: UUID
    lines: list[str]


class LogList(BaseModel):
    """The last lines of each replica."""

    items: list[LogView]


class RouteBody(Body):
    """Where a route leads, who helps out, and for whom it is: null for every tenant, or the adapter's alone."""

    deployment_id: UUID
    adapter_id: UUID | None = None
    fallback_id: UUID | None = None
    tenant_ids: Annotated[list[UUID], Field(max_length=1000)] | None = None


class CanaryBody(Body):
    """What is on trial, and for how many of a hundred conversations."""

    deployment_id: UUID | None = None
    adapter_id: UUID | None = None
    percent: Annotated[int, Field(ge=0, le=100)]


class LeadView(BaseModel):
    """A deployment, null when it is gone, and perhaps an adapter on it."""

    deployment_id: UUID
    deployment: str | None
    adapter_id: UUID | None


class RouteInfo(BaseModel):
    """A route. ``waits_for``: why ``next``, or where it leads, cannot answer yet; ``tenant_ids``: for whom."""

    id: UUID
    name: str
    lead: LeadView
    next: LeadView | None
    waits_for: str | None
    canary: LeadView | None
    canary_percent: int
    fallback: LeadView | None
    former: LeadView | None
    everyone: bool
    tenant_ids: list[UUID]
    version: int
    created_at: datetime


class RouteInfoList(BaseModel):
    """A page of routes."""

    items: list[RouteInfo]
    next_cursor: str | None
