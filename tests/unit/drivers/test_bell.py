"""The bell inside one process, and what the real one never does."""

from uuid import UUID

import pytest

from appliance.drivers.broker import BrokerDown, MemoryBell, application

JOB = UUID(int=1)


def test_rings_are_heard_in_order_and_once() -> None:
    bell = MemoryBell()
    bell.ring(JOB)
    bell.ring(UUID(int=2))
    assert bell.waiting() == 2
    assert bell.hear() == (JOB, UUID(int=2))
    assert (bell.waiting(), bell.hear()) == (0, ())


def test_a_dead_bell_says_so() -> None:
    bell = MemoryBell()
    bell.alive = False
    with pytest.raises(BrokerDown):
        bell.ring(JOB)
    with pytest.raises(BrokerDown):
        bell.waiting()


def test_celery_takes_json_alone_keeps_no_results_and_obeys_nobody() -> None:
    conf = application("memory://").conf
    names = ("accept_content", "task_serializer", "result_backend", "worker_enable_remote_control")
    assert [conf[name] for name in names] == [["json"], "json", None, False]
