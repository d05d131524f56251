"""What goes over the wire about deployments and routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel


class DeploymentView(BaseModel):
    """A deployment: what is wanted beside what was last seen."""

    id: UUID
    name: str
    model: str
    digest: str
    desired: str
    actual: str
    reason: str | None
    restarts: int
    actual_since: datetime
    routes: list[str]


class DeploymentList(BaseModel):
    """A page of deployments."""

    items: list[DeploymentView]
    next_cursor: str | None


class RouteView(BaseModel):
    """A route, in the form of OpenAI's API."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["appliance"] = "appliance"


class RouteList(BaseModel):
    """All routes, in the form of OpenAI's API."""

    object: Literal["list"] = "list"
    data: list[RouteView]
