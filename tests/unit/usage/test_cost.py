"""What tokens cost here, and the table of clouds' prices."""

import csv
import io
from datetime import date
from uuid import UUID

import pytest

from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.kit.settings import UsageSettings
from appliance.usage import cost
from appliance.usage.csv import COLUMNS, heading, line
from appliance.usage.reports import Record

PRICED = UsageSettings(hardware_price=12_623.04, hardware_years=4, power_watts=1000, power_price=0.36, utilisation=0.5)


def test_a_busy_second_pays_for_its_hardware_its_power_and_the_idle_ones() -> None:
    # 12,623.04 over 126,230,400 s is .0001 a second; a kilowatt at .36 a kWh is .0001 a second; busy half the time
    assert cost.of_second(PRICED) == pytest.approx(0.0004)
    assert cost.of_million(PRICED, 100, 20_000) == pytest.approx(2.0)


def test_what_is_not_known_stays_unknown() -> None:
    assert cost.of_second(UsageSettings()) is None
    assert cost.of_seconds(UsageSettings(), 10) is None
    assert cost.of_million(UsageSettings(), 10, 10) is None
    assert cost.of_million(PRICED, 0, 0) is None


def test_the_list_prices_say_their_day_and_their_source() -> None:
    prices = cost.list_prices()
    assert date.fromisoformat(prices.as_of) <= clock.now().date()
    assert prices.source.startswith("https://")
    assert prices.models
    assert all(one.input > 0 and one.output > 0 for one in prices.models)
    first = prices.models[0]
    assert first.of(1_000_000, 0) == pytest.approx(first.input)
    assert first.of(0, 2_000_000) == pytest.approx(2 * first.output)


@pytest.mark.parametrize("route", ["default", "=1+1", "a,b", 'quo"te', "@sum", "line\nbreak"])
def test_a_line_of_csv_is_read_back_and_begins_no_formula(route: str) -> None:
    appliance, tenant = uuid7(), uuid7()
    made = Record(uuid7(), clock.now(), uuid7(), None, route, "d", None, "done", 1, 2, 0, 0.0, None, 1.5, 0.5)
    names, values = csv.reader(io.StringIO(heading() + line(appliance, tenant, made), newline=""))
    told = dict(zip(names, values, strict=True))
    assert tuple(names) == COLUMNS
    assert UUID(told["appliance_id"]) == appliance
    assert told["route"].removeprefix("'") == route
    assert not told["route"].startswith(("=", "@"))
    assert (told["key_id"], told["prompt_tokens"], told["gpu_seconds"]) == ("", "1", "0.5")
