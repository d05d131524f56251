"""What goes over the wire about what callers may send as model."""

from typing import Literal

from pydantic import BaseModel


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
