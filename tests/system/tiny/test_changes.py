"""What changes under callers of real engines who never stop asking: an adapter, a version, an engine that is killed."""

import http.client
import json
import os
import signal

import pytest

from tests.factories.appliance import Appliance, wait
from tests.factories.callers import PATH, Load, Told, asking
from tests.factories.town import (
    BASE,
    FIRST,
    GUARDED,
    NORTH,
    SECOND,
    SOUTH,
    THIRD,
    Town,
    adapter,
    counted,
    do,
    replica,
    told,
)

pytestmark = pytest.mark.vllm

START_SECONDS = 1500
"""Two engines compile while four others answer; on two cores that took twelve minutes."""
KNOWN_SECONDS = 30
"""In which a change of rows is known to callers; two on a quiet machine."""
PAUSE = 1.0
"""Seconds between two questions of a caller while engines start on the same cores."""


@pytest.fixture(scope="module")
def two(town: Town) -> list[str]:
    """The digests of an adapter's two versions."""
    adapter(town.appliance, town.work, NORTH, 3)
    query = "select a.digest from adapters a join tenants t on t.id = a.tenant_id where t.name = %s and a.version = %s"
    return [str(town.appliance.value(query, NORTH, version)) for version in (1, 2)]


@pytest.mark.repeated
@pytest.mark.parametrize("turn", range(10))
def test_an_adapter_gives_way_to_its_next_version_and_no_answer_is_of_both(
    town: Town, two: list[str], turn: int
) -> None:
    before = str(told(town, NORTH).adapter)
    after = two[1 - two.index(before)]
    flip = ("routes", "set", NORTH, "--deployment", FIRST, "--adapter", f"{NORTH}/style:{two.index(after) + 1}")
    connect, keys = town.appliance.api, town.keys
    with (
        asking(connect, NORTH, keys[NORTH], callers=3) as load,
        asking(connect, SOUTH, keys[SOUTH]) as neighbour,
        asking(connect, FIRST) as plain,
    ):
        load.more(20)
        do(town.appliance, *flip, "--wait")
        wait(lambda: load.answers[-1].adapter == after, KNOWN_SECONDS, "the other version answers")
        load.more(20)
    everyone = Load(load.answers + neighbour.answers + plain.answers)
    assert everyone.failed == []
    assert everyone.mixed == set()
    assert {one.adapter for one in load.answers} == {before, after}
    assert len({one.adapter for one in neighbour.answers + plain.answers}) == 2


def test_who_leaves_before_a_whole_answer_frees_the_engine_and_is_recorded(town: Town) -> None:
    appliance = town.appliance

    def count(metric: str) -> float:
        return counted(appliance, SECOND, metric)

    before = count("vllm:generation_tokens_total")
    body = {"model": SECOND, "messages": [{"role": "user", "content": "Say much."}], "max_tokens": 450, "n": 4}
    headers = {"authorization": f"Bearer {appliance.key()}", "content-type": "application/json"}
    caller = http.client.HTTPConnection("127.0.0.1", appliance.port)
    caller.request("POST", PATH, json.dumps(body), headers)
    wait(lambda: count("vllm:num_requests_running") == body["n"], 10, "the engine answers")
    caller.close()
    wait(lambda: count("vllm:num_requests_running") == 0, 10, "the engine stops")
    assert count("vllm:generation_tokens_total") - before < 4 * 450
    query = "select outcome from usage_records where route = %s order by started_at desc limit 1"
    wait(lambda: appliance.value(query, SECOND) == "aborted", 10, "the record is drained")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_version_takes_over_while_another_engine_is_killed_and_callers_of_neither_notice(town: Town) -> None:
    appliance, connect = town.appliance, town.appliance.api
    tuned = {tenant: told(town, tenant).who for tenant in (NORTH, SOUTH)}
    killed = int(replica(appliance, FIRST, "pid"))
    with (
        asking(connect, SECOND, callers=2, pause=PAUSE) as swapped,
        asking(connect, BASE, pause=PAUSE) as others,
        asking(connect, GUARDED, pause=PAUSE) as guarded,
        asking(connect, NORTH, town.keys[NORTH], pause=PAUSE) as north,
    ):
        for load in (swapped, others, guarded, north):
            load.more(3)
        do(appliance, "deployments", "swap", SECOND, "--model", THIRD)
        os.kill(killed, signal.SIGKILL)
        wait(lambda: guarded.answers[-1].model == town.digests[BASE], KNOWN_SECONDS, "the fallback answers")
        wait(lambda: _runs_again(appliance, killed), START_SECONDS, "the killed engine runs again")
        wait(lambda: {each: told(town, each).who for each in tuned} == tuned, 10, "its adapters answer again")
        wait(lambda: guarded.answers[-1].model == town.digests[FIRST], KNOWN_SECONDS, "the fallback has leave")
        wait(lambda: swapped.answers[-1].model == town.digests[THIRD], START_SECONDS, "the other version answers")
        swapped.more(10)
    assert swapped.failed == others.failed == []
    assert swapped.mixed == others.mixed == guarded.mixed == north.mixed == set()
    assert {one.model for one in swapped.answers} == {town.digests[SECOND], town.digests[THIRD]}
    assert all((one.status, bool(one.retry_after)) == (503, True) for one in guarded.failed + north.failed)
    assert north.failed != []
    assert {one.who for one in north.answered} == {tuned[NORTH]}
    assert _last_failure(guarded) < guarded.answers.index(_first(guarded, town.digests[BASE]))


def _runs_again(appliance: Appliance, killed: int) -> bool:
    return bool(replica(appliance, FIRST, "actual") == "running" and replica(appliance, FIRST, "pid") != killed)


def _first(load: Load, model: str) -> Told:
    return next(one for one in load.answers if one.model == model)


def _last_failure(load: Load) -> int:
    return max((number for number, one in enumerate(load.answers) if one.status != http.client.OK), default=-1)
