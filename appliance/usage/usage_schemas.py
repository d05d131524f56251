"""What goes over the wire about usage and cost."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from appliance.usage.schemas import ID, SINCE, shown

DIGEST = "sha256:5fb1a0e4d9c7"
SUMS: dict[str, Any] = {
    "requests": 120,
    "unfinished": 2,
    "prompt_tokens": 90_000,
    "completion_tokens": 20_000,
    "cached_tokens": 30_000,
    "queue_seconds": 4.5,
    "total_seconds": 310.0,
    "gpu_seconds": 140.0,
}


class SumsView(BaseModel):
    """What requests come to. ``gpu_seconds``: their shares of the engines' busy time."""

    requests: int
    unfinished: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    queue_seconds: float
    total_seconds: float
    gpu_seconds: float


class LineView(SumsView):
    """A sum. ``name``: of what; ``cost`` null: the price of the hardware is not set."""

    name: str
    cost: float | None


LINE = {"name": "2026-11", **SUMS, "cost": 0.31}


class UsageView(BaseModel):
    """Sums by one thing. ``waiting``: records that are in no sum yet."""

    model_config = shown(
        {"appliance_id": ID, "tenant_id": ID, "by": "month", "currency": "USD", "items": [LINE], "waiting": 0}
    )

    appliance_id: UUID
    tenant_id: UUID
    by: str
    currency: str
    items: list[LineView]
    waiting: int


RECORD: dict[str, Any] = {
    "request_id": ID,
    "started_at": SINCE,
    "user_id": ID,
    "key_id": ID,
    "route": "default",
    "model_digest": DIGEST,
    "adapter_digest": None,
    "outcome": "done",
    "prompt_tokens": 800,
    "completion_tokens": 60,
    "cached_tokens": 512,
    "queue_seconds": 0.01,
    "first_token_seconds": 0.2,
    "total_seconds": 1.4,
    "gpu_seconds": 0.9,
}


class RecordView(BaseModel):
    """One request. ``outcome``: done, failed or aborted."""

    model_config = shown(RECORD)

    request_id: UUID
    started_at: datetime
    user_id: UUID
    key_id: UUID | None
    route: str
    model_digest: str
    adapter_digest: str | None
    outcome: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    queue_seconds: float
    first_token_seconds: float | None
    total_seconds: float
    gpu_seconds: float


class RecordList(BaseModel):
    """A page of requests, newest first."""

    model_config = shown({"items": [RECORD], "next_cursor": None})

    items: list[RecordView]
    next_cursor: str | None


class CloudView(BaseModel):
    """What a cloud would list for the same tokens, in the currency of the list."""

    provider: str
    model: str
    price: float


class ListPriceView(BaseModel):
    """A list price for a million tokens; null: not known."""

    provider: str
    model: str
    input: float
    output: float
    cached: float | None


class PriceListView(BaseModel):
    """List prices of one day, and where they were read."""

    currency: str
    as_of: str
    source: str
    note: str
    models: list[ListPriceView]


PRICES = {
    "currency": "USD",
    "as_of": "2026-04-30",
    "source": "https://example.org/prices",
    "note": "List prices, without discounts.",
    "models": [{"provider": "Example", "model": "small", "input": 0.1, "output": 0.4, "cached": None}],
}


class CostView(BaseModel):
    """What a busy second of this server costs by the settings (null: no price set), and clouds' list prices."""

    model_config = shown({"appliance_id": ID, "currency": "USD", "per_gpu_second": 0.0002, "list_prices": PRICES})

    appliance_id: UUID
    currency: str
    per_gpu_second: float | None
    list_prices: PriceListView


class AccountView(BaseModel):
    """A tenant's month: what it used, by whom and of what, what that cost, and what clouds would list for it."""

    model_config = shown(
        {
            "appliance_id": ID,
            "tenant_id": ID,
            "month": "2026-11",
            "since": "2026-10-31T23:00:00Z",
            "until": "2026-11-30T23:00:00Z",
            "time_zone": "Europe/Zurich",
            "currency": "USD",
            "total": LINE,
            "users": [{**LINE, "name": ID}],
            "keys": [{**LINE, "name": ID}],
            "routes": [{**LINE, "name": "default"}],
            "models": [{**LINE, "name": DIGEST}],
            "cost_per_million_tokens": 2.8,
            "clouds": [{"provider": "Example", "model": "small", "price": 0.02}],
            "list_prices_as_of": "2026-04-30",
            "list_prices_currency": "USD",
            "waiting": 0,
        }
    )

    appliance_id: UUID
    tenant_id: UUID
    month: str
    since: datetime
    until: datetime
    time_zone: str
    currency: str
    total: LineView
    users: list[LineView]
    keys: list[LineView]
    routes: list[LineView]
    models: list[LineView]
    cost_per_million_tokens: float | None
    clouds: list[CloudView]
    list_prices_as_of: str
    list_prices_currency: str
    waiting: int
