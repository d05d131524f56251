"""Charges for an engine's time sum to the time in which it was busy."""

from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from appliance.serving.sharing import Share, Sharing
from appliance.usage.journal import UsageRecord
from appliance.usage.reservation import Reservation
from tests.unit.usage.test_journal import _record


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_two_at_once_pay_half_each() -> None:
    clock = Clock()
    sharing = Sharing(clock)
    clock.now += 5  # idle: nobody's
    with sharing.running() as first:
        clock.now += 1
        with sharing.running() as second:
            clock.now += 2
            assert (first.seconds(), second.seconds()) == (2.0, 1.0)
        clock.now += 1
        assert first.seconds() == 3.0
    clock.now += 7
    with sharing.running() as third:
        assert third.seconds() == 0.0


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 8)), max_size=40))
def test_all_charges_sum_to_the_busy_time(steps: list[tuple[bool, int]]) -> None:
    clock = Clock()
    sharing = Sharing(clock)
    running: list[tuple[ExitStack, Share]] = []
    busy = charged = 0.0
    for begins, seconds in steps:
        if begins:
            stack = ExitStack()
            running.append((stack, stack.enter_context(sharing.running())))
        elif running:
            stack, share = running.pop(0)
            charged += share.seconds()
            stack.close()
        busy += seconds if running else 0
        clock.now += seconds
    charged += sum(share.seconds() for _, share in running)
    assert abs(charged - busy) < 1e-6


def test_a_record_says_what_its_request_was_charged() -> None:
    clock, written = Clock(), list[UsageRecord]()
    with Sharing(clock).running() as share:
        clock.now += 2
        Reservation(None, 1).recording(written.append, share.seconds)(_record())
    assert written[0].gpu_seconds == 2.0
