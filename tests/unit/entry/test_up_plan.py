"""The plan of ``up``: who waits for whom, and what becomes of a part that ends."""

from dataclasses import replace

import pytest

from appliance.entry import up_plan
from appliance.entry.up_plan import HOPELESS, LONGEST, Life, Part, State

VITAL = Part("vital", module="x")
SPARE = Part("spare", module="x", vital=False)
ONCE = Part("once", module="x", once=True)


def names(parts: list[Part]) -> set[str]:
    return {part.name for part in parts}


def test_every_need_is_a_part_that_comes_before() -> None:
    plan = up_plan.parts(engines=True)
    for place, part in enumerate(plan):
        assert set(part.needs) <= names(list(plan[:place]))


def test_engines_are_left_out_where_they_are_switched_off() -> None:
    with_engines, without = up_plan.parts(engines=True), up_plan.parts(engines=False)
    assert names(list(with_engines)) - names(list(without)) == {"engines"}


def test_the_stores_stop_last() -> None:
    first, last = up_plan.stages(up_plan.parts(engines=True))
    assert names(last) == {"postgres", "valkey"}
    assert {"web", "worker", "index", "engines"} <= names(first)


def test_our_processes_are_modules_run_safely() -> None:
    argv = Part("web", module="appliance.entry.web").argv()
    assert argv[1:] == ["-P", "-m", "appliance.entry.web"]
    argv = Part("web", module="appliance.entry.web", early=True).argv()
    assert argv[1:] == ["-P", "-m", "appliance.entry.begin", "appliance.entry.web"]


@pytest.mark.parametrize(
    ("state", "starts"),
    [
        (State.READY, True),
        (State.DONE, True),
        (State.WAITING, False),
        (State.STARTING, False),
        (State.PAUSING, False),
        (State.FAILED, False),
    ],
)
def test_a_part_starts_once_all_that_it_needs_is_usable(state: State, *, starts: bool) -> None:
    part = Part("web", needs=("postgres",))
    assert Life().may_start(part, {"postgres": Life(state=state)}, 0) is starts


def test_a_part_that_runs_is_not_started_again() -> None:
    assert not Life().begun(1).may_start(VITAL, {}, 2)
    assert not Life().begun(1).ready(2).may_start(VITAL, {}, 3)


def test_an_end_is_followed_by_a_pause_that_grows_up_to_a_limit() -> None:
    life, pauses = Life(), []
    for turn in range(9):
        life = life.begun(turn).ready(turn).ended(VITAL, -9, "boom", turn)
        assert life.state is State.PAUSING
        pauses.append(life.until - turn)
        assert not life.may_start(VITAL, {}, life.until - 0.01)
        assert life.may_start(VITAL, {}, life.until)
    assert pauses == sorted(pauses)
    assert pauses[0] == up_plan.SHORTEST
    assert pauses[-1] == LONGEST


def test_ends_of_long_ago_do_not_count() -> None:
    life = Life().begun(0).ready(0).ended(VITAL, 1, "", 0).begun(1).ready(1).ended(VITAL, 1, "", 1000)
    assert life.until == 1000 + up_plan.SHORTEST


def test_a_vital_part_that_is_never_ready_is_without_hope() -> None:
    life = Life()
    for turn in range(HOPELESS):
        assert life.state is not State.FAILED
        life = life.begun(turn).ended(VITAL, 3, "no such table", turn)
    assert life.state is State.FAILED
    assert life.detail == "ended with code 3: no such table"
    assert up_plan.hopeless({"spare": Life(), "vital": life}) == "vital"


def test_being_ready_gives_hope_again() -> None:
    life = Life()
    for turn in range(HOPELESS * 3):
        life = life.begun(turn)
        life = (life.ready(turn) if turn % 4 == 3 else life).ended(VITAL, -9, "", turn)
    assert life.state is State.PAUSING
    assert up_plan.hopeless({"vital": life}) is None


def test_a_part_that_is_not_vital_is_tried_again_for_ever() -> None:
    life = Life()
    for turn in range(HOPELESS * 2):
        life = life.begun(turn).ended(SPARE, 1, "no model", turn)
    assert life.state is State.PAUSING


@pytest.mark.parametrize(
    ("status", "state"), [(0, State.DONE), (1, State.FAILED), (-9, State.PAUSING)], ids=["done", "refused", "killed"]
)
def test_a_part_that_runs_once_is_done_or_refused_or_tried_again_when_killed(status: int, state: State) -> None:
    assert Life().begun(0).ended(ONCE, status, "why", 1).state is state


def test_the_appliance_is_up_when_all_vital_parts_are() -> None:
    plan = (VITAL, SPARE, ONCE)
    lives = {"vital": Life().ready(0), "spare": Life(), "once": replace(Life(), state=State.DONE)}
    assert up_plan.up(plan, lives)
    assert not up_plan.up(plan, {**lives, "vital": Life().begun(0)})


def test_what_a_part_says_is_kept_until_it_is_ready() -> None:
    life = Life().begun(0).told("recovering")
    assert life.detail == "recovering"
    assert life.ready(1).detail == ""
