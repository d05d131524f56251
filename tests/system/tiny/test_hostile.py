"""Hostile requests at once beside good callers of a real engine: each is told what it did, and nobody else notices."""

import pytest

from appliance.drivers.vllm.port import Health
from tests.factories.callers import Load, asking
from tests.factories.hostile import Attack
from tests.factories.town import FIRST, NORTH, SOUTH, Town, control, replica, told

pytestmark = pytest.mark.vllm


def test_hostile_requests_at_once_are_each_told_so_and_no_good_caller_notices(town: Town) -> None:
    appliance, connect = town.appliance, town.appliance.api
    engine = replica(appliance, FIRST, "pid"), replica(appliance, FIRST, "restarts")
    known = told(town, FIRST)
    attack = Attack(appliance.port, town.keys[NORTH], FIRST, [SOUTH, *replica(appliance, FIRST, "adapters")])
    longer = {"messages": [{"role": "user", "content": "word " * 5000}]}
    attack.add("more than the context", (422, "engine_refused"), longer)
    assert len(attack.sends) >= 32
    with asking(connect, FIRST, callers=2) as good, asking(connect, NORTH, town.keys[NORTH], callers=2) as same_tenant:
        good.more(10)
        same_tenant.more(10)
        answered = attack.at_once()
        good.more(10)
        same_tenant.more(10)
    assert answered == attack.expected
    everyone = Load(good.answers + same_tenant.answers)
    assert everyone.failed == []
    assert everyone.mixed == set()
    assert control(appliance, FIRST).health() is Health.WELL
    assert (replica(appliance, FIRST, "pid"), replica(appliance, FIRST, "restarts")) == engine
    assert told(town, FIRST) == known
