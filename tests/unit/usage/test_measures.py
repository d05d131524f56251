"""Windows begin and end by the tenant's clock, also on the days on which it is moved."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance.usage.measures import EVER, Measure, month, window

ZURICH, SHANGHAI, KOLKATA = ZoneInfo("Europe/Zurich"), ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("zone", "now", "start", "hours"),
    [
        (ZURICH, "2026-11-25T12:00", "2026-11-24T23:00", 24),
        (ZURICH, "2026-03-29T12:00", "2026-03-28T23:00", 23),
        (ZURICH, "2026-10-25T12:00", "2026-10-24T22:00", 25),
        (SHANGHAI, "2026-11-25T15:59", "2026-11-24T16:00", 24),
        (SHANGHAI, "2026-11-25T16:00", "2026-11-25T16:00", 24),
        (KOLKATA, "2026-11-25T18:29", "2026-11-24T18:30", 24),
    ],
)
def test_a_day_is_the_tenant_s(zone: ZoneInfo, now: str, start: str, hours: int) -> None:
    found = window(Measure.TOKENS_PER_DAY, _at(now), zone)
    assert found.start == _at(start)
    assert found.end - found.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "now", "start", "end"),
    [
        (ZURICH, "2026-11-25T12:00", "2026-10-31T23:00", "2026-11-30T23:00"),
        (ZURICH, "2026-12-31T23:30", "2026-12-31T23:00", "2027-01-31T23:00"),
        (SHANGHAI, "2026-02-28T16:00", "2026-02-28T16:00", "2026-03-31T16:00"),
    ],
)
def test_a_month_is_the_tenant_s(zone: ZoneInfo, now: str, start: str, end: str) -> None:
    for found in (month(_at(now), zone), window(Measure.TRAINING_SECONDS_PER_MONTH, _at(now), zone)):
        assert (found.start, found.end) == (_at(start), _at(end))


def test_a_minute_is_the_clock_s_and_what_runs_at_once_has_no_window() -> None:
    now = _at("2026-11-25T12:00") + timedelta(seconds=59)
    for measure in (Measure.TOKENS_PER_MINUTE, Measure.REQUESTS_PER_MINUTE):
        assert window(measure, now, KOLKATA).end == _at("2026-11-25T12:01")
    assert window(Measure.CONCURRENT_REQUESTS, now, KOLKATA) is EVER


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
