"""Every turn of a deployment's course."""

from dataclasses import replace

import pytest

from appliance.drivers.vllm.port import Health
from appliance.serving.reconcile import (
    AT_MOST,
    BACK_OFF,
    CRASH_LOOP,
    RETRY_FAILED,
    SILENT_SECONDS,
    STEADY,
    Act,
    Course,
    Phase,
    Seen,
    fail,
    retried,
    step,
)

START = 600.0
LOADING = Course(Phase.STARTING, since=0)
RUNNING = Course(Phase.RUNNING, since=0, well_at=100)
WAITING = Course(Phase.BACKING_OFF, since=0, ends=1, due=10)
BROKEN = Course(Phase.FAILED, since=0, ends=5, due=10)
DRAINING = Course(Phase.DRAINING, since=0)
WANTED, UNWANTED = Seen(wanted=True), Seen(wanted=False)
ALIVE, UNWANTED_ALIVE = Seen(wanted=True, alive=True), Seen(wanted=False, alive=True)
WELL = replace(ALIVE, health=Health.WELL)
DEAD = replace(ALIVE, health=Health.DEAD)


@pytest.mark.parametrize(
    ("course", "seen", "now", "phase", "act"),
    [
        (Course(), WANTED, 5, Phase.STARTING, Act.START),
        (Course(), UNWANTED, 5, Phase.STOPPED, Act.NOTHING),
        (WAITING, UNWANTED, 5, Phase.STOPPED, Act.NOTHING),
        (WAITING, WANTED, 9, Phase.BACKING_OFF, Act.NOTHING),
        (WAITING, WANTED, 10, Phase.STARTING, Act.START),
        (BROKEN, WANTED, 9, Phase.FAILED, Act.NOTHING),
        (BROKEN, WANTED, 10, Phase.STARTING, Act.START),
        (LOADING, ALIVE, START, Phase.STARTING, Act.NOTHING),
        (LOADING, DEAD, START, Phase.STARTING, Act.NOTHING),
        (LOADING, ALIVE, START + 1, Phase.STARTING, Act.KILL),
        (LOADING, WELL, 60, Phase.RUNNING, Act.NOTHING),
        (RUNNING, WELL, 101, Phase.RUNNING, Act.NOTHING),
        (RUNNING, ALIVE, 100 + SILENT_SECONDS, Phase.RUNNING, Act.NOTHING),
        (RUNNING, ALIVE, 101 + SILENT_SECONDS, Phase.RUNNING, Act.KILL),
        (RUNNING, DEAD, 101, Phase.RUNNING, Act.KILL),
        (RUNNING, UNWANTED_ALIVE, 101, Phase.DRAINING, Act.DRAIN),
        (LOADING, UNWANTED_ALIVE, 1, Phase.DRAINING, Act.DRAIN),
        (DRAINING, UNWANTED_ALIVE, 5, Phase.DRAINING, Act.NOTHING),
        (DRAINING, ALIVE, 5, Phase.DRAINING, Act.NOTHING),
        (DRAINING, replace(UNWANTED, ended=0), 5, Phase.STOPPED, Act.NOTHING),
        (DRAINING, replace(WANTED, ended=0), 5, Phase.STOPPED, Act.NOTHING),
        (RUNNING, replace(UNWANTED, ended=-9), 101, Phase.STOPPED, Act.NOTHING),
        (RUNNING, replace(WANTED, ended=-9), 101, Phase.BACKING_OFF, Act.NOTHING),
        (LOADING, replace(WANTED, ended=1), 20, Phase.BACKING_OFF, Act.NOTHING),
    ],
)
def test_a_step(course: Course, seen: Seen, now: float, phase: Phase, act: Act) -> None:
    following, done = step(course, seen, now, START)
    assert (following.phase, done) == (phase, act)
    assert (following.since == now) == (phase is not course.phase)


def test_each_end_in_a_row_waits_longer_and_the_last_is_a_verdict_with_its_reason() -> None:
    course, now, waits = LOADING, 0.0, []
    for _ in range(CRASH_LOOP - 1):
        course, _ = step(course, replace(WANTED, ended=1), now, START)
        waits.append(course.due - now)
        now = course.due
        course, act = step(course, WANTED, now, START)
        assert act is Act.START
    course, _ = step(course, replace(WANTED, ended=1), now, START)
    assert waits == list(BACK_OFF[: CRASH_LOOP - 1])
    assert course.phase is Phase.FAILED
    assert course.reason == "ended with exit code 1 while starting, 5 times in a row"
    assert course.restarts == CRASH_LOOP - 1
    assert step(course, WANTED, now + RETRY_FAILED, START)[1] is Act.START


def test_ends_are_forgiven_after_steady_health_only() -> None:
    course = replace(RUNNING, ends=3)
    assert step(course, WELL, STEADY - 1, START)[0].ends == 3
    assert step(course, WELL, STEADY, START)[0].ends == 0


def test_a_kill_is_told_as_the_reason_of_the_end() -> None:
    course, _ = step(RUNNING, DEAD, 101, START)
    course, _ = step(course, replace(WANTED, ended=-9), 102, START)
    assert course.reason == "it says that it is broken; ended with signal 9 while running"
    course, _ = step(Course(), WANTED, 0, START)
    course, _ = step(course, ALIVE, START + 1, START)
    course, _ = step(course, replace(WANTED, ended=-9), START + 2, START)
    assert course.reason == "not ready after 600 s; ended with signal 9 while starting"


def killed_at(core: float, until: float) -> tuple[int, str | None]:
    """When a start without end is killed, that works with ``core`` of a core for ``until`` seconds; and the reason."""
    course, act = step(Course(), WANTED, 0, START)
    for now in range(10_000):
        course, act = step(course, replace(ALIVE, worked=core * min(now, until)), now, START)
        if act is Act.KILL:
            return now, course.reason
    return 0, None


def test_a_start_that_works_has_more_time_and_not_without_end() -> None:
    most = AT_MOST * START
    assert killed_at(2.0, 60) == (601, "not ready after 600 s")
    assert 1000 < killed_at(0.02, 1000)[0] <= 1061  # a minute after it last worked
    assert killed_at(0.02, 10_000) == (most + 1, f"not ready after {most:g} s")
    assert killed_at(0.005, 10_000) == (601, "not ready after 600 s")  # what a thread beside one that hangs takes


def test_a_former_start_s_work_is_not_the_next_one_s() -> None:
    course = replace(WAITING, worked=500.0, busy_at=9)
    course, _ = step(course, WANTED, 10, START)
    assert (course.worked, course.busy_at) == (0, 10)


def test_what_cannot_be_started_is_tried_again_later() -> None:
    course = fail(LOADING, 7, "model.safetensors does not have its recorded digest.")
    assert (course.phase, course.since, course.due) == (Phase.FAILED, 7, 7 + RETRY_FAILED)


def test_a_stopped_deployment_starts_with_a_clean_record() -> None:
    course, _ = step(BROKEN, UNWANTED, 5, START)
    assert course.ends == 0


@pytest.mark.parametrize("waiting", [WAITING, BROKEN])
def test_what_an_operator_tries_again_waits_no_longer_and_has_all_its_tries(waiting: Course) -> None:
    course = retried(waiting, 5)
    assert (course.phase, course.ends) == (waiting.phase, 0)
    assert step(course, WANTED, 5, START)[1] is Act.START
    assert retried(RUNNING, 5) == RUNNING
