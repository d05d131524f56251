"""The end of a batch as it is foretold, against batches whose end is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from appliance.knowledge.pace import FEWEST, WINDOW, pace

BEGUN = datetime(2026, 11, 26, 12, tzinfo=UTC)


def after(*seconds: float) -> list[datetime]:
    return [BEGUN + timedelta(seconds=each) for each in seconds]


def test_what_comes_evenly_ends_when_it_must() -> None:
    told = pace(after(*range(0, 60, 6)), BEGUN + timedelta(seconds=54), 10)
    assert told is not None
    assert (told.per_minute, told.left_seconds, told.measured) == (10, 60, 10)
    assert told.earliest == told.done_at == told.latest == BEGUN + timedelta(seconds=114)


def test_nothing_is_foretold_of_too_few_or_of_one_moment() -> None:
    now = BEGUN + timedelta(seconds=60)
    assert pace([], now, 5) is None
    assert pace(after(*range(FEWEST)), now, 5) is None
    assert pace(after(*range(FEWEST + 1)), now, 5) is not None
    assert pace(after(*[3] * 50), now, 5) is None


def test_what_stands_still_moves_its_end_away() -> None:
    ended = after(*range(10))
    ends = []
    for waited in (9, 10, 20, 60, 600):
        told = pace(ended, BEGUN + timedelta(seconds=waited), 5)
        assert told is not None
        ends.append(told.done_at)
        assert told.earliest <= told.done_at <= told.latest
    assert ends[0] == ends[1] < ends[2] < ends[3] < ends[4]


def test_only_the_newest_are_measured() -> None:
    slow, fast = range(0, 1000, 10), range(1000, 1000 + WINDOW + 1)
    told = pace(after(*slow, *fast), BEGUN + timedelta(seconds=fast[-1]), 60)
    assert told is not None
    assert told.left_seconds == 60


def test_nothing_left_is_done_now() -> None:
    now = BEGUN + timedelta(seconds=100)
    told = pace(after(*range(10)), now, 0)
    assert told is not None
    assert (told.left_seconds, told.done_at, told.latest) == (0, now, now)


@pytest.mark.parametrize("left", [3, 30, 300])
def test_the_end_falls_between_the_two_about_eight_times_of_ten(left: int) -> None:
    """Gaps as files give them: many short ones and a few long (log-normal, sigma 1)."""
    random = np.random.default_rng(7)
    within = 0
    for _ in range(400):
        gaps = random.lognormal(0, 1, 50 + left)
        times = np.cumsum(gaps)
        now = BEGUN + timedelta(seconds=float(times[49]))
        told = pace(after(*times[:50]), now, left)
        assert told is not None
        within += told.earliest <= BEGUN + timedelta(seconds=float(times[-1])) <= told.latest
    assert 0.65 <= within / 400 <= 0.92
