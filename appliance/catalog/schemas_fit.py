"""What goes over the wire about whether a model fits."""

from typing import Any, Optional

from pydantic import BaseModel


class PlanView(BaseModel):
    """A plan. ``weights``, ``adapters``, ``activations``, ``own`` and ``cache`` are bytes of each device.

    ``tokens``: of the cache; ``expected``: requests of a whole context that it holds; ``engine``: the settings for a
    deployment. Where ``fits`` is false, ``reasons`` say why and ``nearest`` is what would fit, if anything does.
    """

    fits: bool
    context: int
    concurrency: int
    dtype: str
    quantisation: str
    rank: int
    parallel: int
    weights: int
    adapters: int
    activations: int
    own: int
    cache: int
    tokens: int
    expected: float
    reasons: list[str]
    engine: dict[str, Any]
    nearest: Optional["PlanView"]
