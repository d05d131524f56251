"""What tokens cost here, and what a cloud would list for them: pure.

A second of a busy engine carries its share of the server's price over its life and of its power, and of the seconds in
which nothing runs: at a utilisation of a third, twice its own. So

    cost of a busy second = (price / seconds of life + kW × price of a kWh / 3600) / utilisation

and tokens cost what their GPU-seconds do. A price that is not set makes every cost unknown (None), never nought.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from appliance.kit.settings import UsageSettings

YEAR: Final = 365.25 * 24 * 3600
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A cloud's list price for a million tokens; None where it is not known."""

    provider: str
    model: str
    input: float
    output: float
    cached: float | None

    def of(self, prompt: int, completion: int) -> float:
        """What these tokens would be listed at, without discounts."""
        return (prompt * self.input + completion * self.output) / MILLION


@dataclass(frozen=True, slots=True)
class PriceList:
    """List prices of one day, and where they were read."""

    currency: str
    as_of: str
    source: str
    note: str
    models: tuple[ListPrice, ...]


@cache
def list_prices() -> PriceList:
    """The table that ships with this release."""
    told = json.loads(files("appliance.usage").joinpath("prices.json").read_text(encoding="utf-8"))
    models = tuple(ListPrice(**model) for model in told["models"])
    return PriceList(told["currency"], told["as_of"], told["source"], told["note"], models)


def of_second(settings: UsageSettings) -> float | None:
    """What a busy second of the server costs, None when its price is not set."""
    if not settings.hardware_price:
        return None
    power = settings.power_watts / 1000 * settings.power_price / 3600
    return (settings.hardware_price / (settings.hardware_years * YEAR) + power) / settings.utilisation


def of_seconds(settings: UsageSettings, gpu_seconds: float) -> float | None:
    """What so many busy seconds cost."""
    each = of_second(settings)
    return None if each is None else each * gpu_seconds


def of_million(settings: UsageSettings, gpu_seconds: float, tokens: int) -> float | None:
    """What a million tokens cost at this measured rate, None where nothing was measured."""
    cost = of_seconds(settings, gpu_seconds)
    return None if cost is None or not tokens else cost / tokens * MILLION
