"""The clock guard: what no sequence of clocks can do to it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.licensing.guard import (
    HOUR,
    Clock,
    Reading,
    Suspicion,
    accept,
    first,
    judged,
    look,
    restored,
    rolled_back,
    signed,
)

START = 1_800_000_000
DAY = 24 * HOUR
BEGUN = first(Reading(START, "a", 100))

CASES: dict[str, tuple[Reading, Suspicion | None]] = {
    "a minute on": (Reading(START + 60, "a", 160), None),
    "an hour back": (Reading(START - HOUR, "a", 100), None),
    "a second more": (Reading(START - HOUR - 1, "a", 100), Suspicion.BEHIND),
    "an hour ahead": (Reading(START + HOUR, "a", 100), None),
    "one second more": (Reading(START + HOUR + 1, "a", 100), Suspicion.AHEAD),
    "a year ahead": (Reading(START + 365 * DAY, "a", 160), Suspicion.AHEAD),
    "a year back": (Reading(START - 365 * DAY, "a", 160), Suspicion.BEHIND),
    "stopped for two hours": (Reading(START, "a", 100 + 2 * HOUR), Suspicion.BEHIND),
    "another boot": (Reading(START + 300, "b", 30), None),
    "another boot after a month": (Reading(START + 30 * DAY, "b", 30), Suspicion.AHEAD),
    "a boot that was long ago": (Reading(START + 30 * DAY, "b", 30 * DAY), None),
    "another boot, a day back": (Reading(START - DAY, "b", 30), Suspicion.BEHIND),
    "a snapshot of this boot": (Reading(START, "a", 50), Suspicion.ROLLED_BACK),
}


@pytest.mark.parametrize("name", CASES)
def test_a_second_look(name: str) -> None:
    reading, suspicion = CASES[name]
    assert judged(BEGUN, reading) is suspicion
    assert look(BEGUN, reading).suspicion is suspicion


STEPS = st.lists(st.tuples(st.integers(0, 2 * DAY), st.integers(-3 * DAY, 3 * DAY)), min_size=1, max_size=30)
SMALL = st.lists(st.tuples(st.integers(0, HOUR), st.integers(-HOUR, HOUR)), min_size=1, max_size=30)


@given(st.one_of(STEPS, SMALL))
def test_within_a_boot_the_mark_never_moves_an_hour_beyond_monotonic_time(steps: list[tuple[int, int]]) -> None:
    clock, wall, elapsed = BEGUN, START, 100
    for passed, turned in steps:
        wall, elapsed = wall + passed + turned, elapsed + passed
        after = look(clock, Reading(wall, "a", elapsed))
        assert clock.mark <= after.mark <= START + (elapsed - 100) + HOUR
        assert after.suspicion is not None or clock.suspicion is None
        clock = after


@given(st.lists(st.tuples(st.integers(0, DAY), st.integers(-3 * DAY, 3 * DAY)), min_size=1, max_size=30))
def test_over_boots_it_is_an_hour_for_each(steps: list[tuple[int, int]]) -> None:
    clock, wall, most = BEGUN, START, START
    for number, (uptime, turned) in enumerate(steps):
        wall += turned
        for elapsed in (0, uptime // 2, uptime):
            after = look(clock, Reading(wall + elapsed, f"boot {number}", elapsed))
            assert clock.mark <= after.mark
            clock = after
        most += uptime + HOUR
        assert clock.mark <= most


@given(st.lists(st.tuples(st.integers(0, 2 * DAY), st.integers(-HOUR // 2, HOUR // 2)), max_size=40))
def test_a_clock_within_half_an_hour_is_never_suspect(looks: list[tuple[int, int]]) -> None:
    clock, passed = BEGUN, 0
    for more, apart in looks:
        passed += more
        clock = look(clock, Reading(START + passed + apart, "a", 100 + passed))
        assert clock.suspicion is None


@given(st.lists(st.integers(1, HOUR), min_size=1, max_size=60), st.sampled_from([-1, 1]))
def test_many_small_steps_are_one_large_one(turns: list[int], way: int) -> None:
    clock, apart = BEGUN, 0
    for number, turn in enumerate(turns, 1):
        apart += way * turn
        clock = look(clock, Reading(START + number * DAY + apart, "a", 100 + number * DAY))
        if abs(apart) > HOUR:
            assert clock.suspicion is (Suspicion.AHEAD if way > 0 else Suspicion.BEHIND)
            return
        assert clock.suspicion is None


def test_a_suspect_clock_stays_so_and_time_goes_on_by_the_monotonic_one() -> None:
    clock = look(BEGUN, Reading(START - DAY, "a", 100))
    for hours in (1, 30, 400):
        clock = look(clock, Reading(START + hours * HOUR, "a", 100 + hours * HOUR))
        assert (clock.suspicion, clock.mark) == (Suspicion.BEHIND, START + hours * HOUR)
    clock = look(clock, Reading(START, "b", 2 * HOUR))
    assert (clock.suspicion, clock.mark) == (Suspicion.BEHIND, START + 402 * HOUR)


def test_accepting_takes_the_clock_as_it_is_but_never_below_what_was_signed() -> None:
    suspect = look(signed(BEGUN, START), Reading(START + 365 * DAY, "a", 200))
    accepted = accept(suspect, Reading(START + 365 * DAY, "a", 300))
    assert accepted == Clock(START + 365 * DAY, START, "a", START + 365 * DAY, 300)
    assert look(accepted, Reading(START + 365 * DAY + 60, "a", 360)).suspicion is None
    back = accept(look(accepted, Reading(START + DAY, "a", 400)), Reading(START + DAY, "a", 400))
    assert back is not None
    assert back.mark == START + DAY
    assert accept(suspect, Reading(START - HOUR - 1, "a", 500)) is None


def test_a_database_older_than_its_mark_is_suspect_unless_it_was_restored() -> None:
    older = rolled_back(BEGUN, START + DAY)
    assert (older.mark, older.suspicion) == (START + DAY, Suspicion.ROLLED_BACK)
    assert restored(BEGUN, START + DAY) == replace(BEGUN, mark=START + DAY)
