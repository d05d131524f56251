"""The real Valkey and its double keep the same contract; and what a restart forgets is not given out again."""

from collections.abc import Iterator

import pytest
import redis

from appliance.drivers.stopwatch import UNKNOWN, MemoryStopwatch, Stopwatch, StopwatchDown, ValkeyStopwatch
from appliance.kit import clock
from appliance.kit.ids import uuid7


@pytest.fixture
def store(valkey: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(valkey.replace("redis+socket", "unix")) as client:
        yield client


@pytest.fixture(params=["valkey", "memory"])
def watch(request: pytest.FixtureRequest, valkey: str, store: "redis.Redis") -> Iterator[Stopwatch]:
    if request.param == "memory":
        yield MemoryStopwatch()
        return
    store.flushall()
    made = ValkeyStopwatch(valkey)
    made.greet(first=True)
    yield made
    made.close()


def _ends() -> float:
    return clock.now().timestamp() + 30


def test_blocks_shrink_and_never_sum_above_the_limit(watch: Stopwatch) -> None:
    name = uuid7().hex
    blocks = []
    while amount := watch.take(name, _ends(), 1, 1, 100)[0]:
        blocks.append(amount)
    assert sum(blocks) == 100
    assert blocks[0] == 6
    assert blocks == sorted(blocks, reverse=True)
    assert watch.take(name, _ends(), 1, 1, 100) == (0, 100)


def test_less_than_is_needed_is_nothing_and_what_is_given_back_is_there_again(watch: Stopwatch) -> None:
    name = uuid7().hex
    assert watch.take(name, _ends(), 60, 80, 100) == (80, 0)
    assert watch.take(name, _ends(), 60, 80, 100) == (0, 80)
    watch.give(name, 50)
    assert watch.take(name, _ends(), 60, 80, 100) == (70, 30)


def test_a_window_that_is_over_gives_nothing(watch: Stopwatch) -> None:
    assert watch.take(uuid7().hex, clock.now().timestamp() - 10, 1, 1, 100)[0] == 0


def test_slots_are_held_by_owner(watch: Stopwatch) -> None:
    name = uuid7().hex
    assert watch.hold(name, "a", 0, 1, 1, 3) == (1, 0)
    assert watch.hold(name, "b", 0, 1, 2, 3) == (2, 1)
    assert watch.hold(name, "a", 1, 1, 1, 3) == (0, 2)
    watch.hold(name, "b", 0, 0, 0, 3)
    assert watch.hold(name, "a", 1, 2, 2, 3) == (2, 0)


def test_an_owner_that_is_silent_counts_no_more(valkey: str, store: "redis.Redis") -> None:
    store.flushall()
    made = ValkeyStopwatch(valkey)
    made.greet(first=True)
    made.hold("slots", "dead", 0, 1, 1, 1)
    assert made.hold("slots", "a", 0, 1, 1, 1) == (0, 1)
    store.hset("appliance:quota:slots", "dead", "1:1000")
    assert made.hold("slots", "a", 0, 1, 1, 1) == (1, 0)
    made.close()


def test_a_store_that_forgot_gives_nothing_of_a_window_that_began_before(valkey: str, store: "redis.Redis") -> None:
    store.flushall()
    made = ValkeyStopwatch(valkey)
    made.greet(first=True)
    assert made.take("w", _ends(), 1, 1, 10)[0] == 1
    store.flushall()
    made.greet(first=False)
    assert made.take("w", _ends(), 1, 1, 10)[0] == UNKNOWN
    assert made.hold("s", "a", 0, 1, 1, 10)[0] == UNKNOWN
    assert made.take("w2", clock.now().timestamp() + 61, 1, 1, 10)[0] == 1
    made.close()


def test_a_store_that_nobody_could_greet_may_have_been_away(valkey: str, store: "redis.Redis") -> None:
    store.flushall()
    made = ValkeyStopwatch(valkey)
    made.greet(first=True)
    store.set("appliance:quota:greeted", int(clock.now().timestamp()) - 60)
    made.greet(first=False)
    assert made.take("w", _ends(), 1, 1, 10)[0] == UNKNOWN
    made.close()


def test_a_dead_store_is_told_soon_and_not_asked_again_at_once() -> None:
    made = ValkeyStopwatch("redis+socket:///nowhere/valkey.sock")
    for _ in range(2):
        with pytest.raises(StopwatchDown):
            made.greet(first=True)
    made.close()
