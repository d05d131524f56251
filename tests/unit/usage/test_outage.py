"""What a worker may take of minutes and slots while nobody tells what is left: a bounded share, then nothing."""

from datetime import timedelta
from uuid import UUID

import pytest

from appliance.drivers.stopwatch import MemoryStopwatch
from appliance.kit import clock
from appliance.usage.errors import QuotaUnknown
from appliance.usage.leasing import SHARES, UNSEEN_SECONDS, Block, ShortLessor
from appliance.usage.measures import EVER, Kind, Limit, Measure, Window

ID = UUID(int=1)


def block(measure: Measure = Measure.TOKENS_PER_MINUTE, amount: int = 800, begins: float = 0.0) -> Block:
    """Of a window that began so many seconds ago."""
    limit = Limit(ID, Kind.TENANT, ID, measure, amount)
    if measure is Measure.CONCURRENT_REQUESTS:
        return Block(limit, EVER)
    start = clock.now() - timedelta(seconds=begins)
    return Block(limit, Window(start, start + timedelta(minutes=1)))


def blind(seconds: float) -> ShortLessor:
    """A worker whose stopwatch was last seen so many seconds ago."""
    stopwatch = MemoryStopwatch()
    lessor = ShortLessor(stopwatch, "worker")
    lessor.greet()
    stopwatch.alive = False
    lessor._seen -= seconds
    lessor._seen_at -= timedelta(seconds=seconds)
    return lessor


def test_one_share_of_a_window_that_began_since_and_no_more() -> None:
    lessor, found = blind(30), block(begins=10)
    grant = lessor.lease(found, 10, 10)
    assert grant.amount * SHARES == 800
    assert found.unseen
    with pytest.raises(QuotaUnknown):
        lessor.lease(found, 10, 10)
    lessor.give(found, 10)  # nobody to give it to, and nothing that was taken from him


@pytest.mark.parametrize(
    ("seconds", "began", "amount"),
    [
        (30, 40, 800),  # of this window others may have leased everything before
        (2, 1, 800),  # the store may only have been slow
        (UNSEEN_SECONDS + 10, 10, 800),  # for too long: bounded
        (30, 10, 79),  # less than the request needs
    ],
)
def test_else_nothing_is_given_out_unseen(seconds: float, began: float, amount: int) -> None:
    with pytest.raises(QuotaUnknown) as caught:
        blind(seconds).lease(block(amount=amount, begins=began), 10, 10)
    assert 1 <= (caught.value.retry_after or 0) <= 60


def test_slots_are_never_taken_unseen() -> None:
    with pytest.raises(QuotaUnknown):
        blind(30).lease(block(Measure.CONCURRENT_REQUESTS), 1, 1)


def test_a_worker_that_never_saw_the_store_takes_nothing() -> None:
    stopwatch = MemoryStopwatch()
    stopwatch.alive = False
    with pytest.raises(QuotaUnknown):
        ShortLessor(stopwatch, "worker").lease(block(), 10, 10)


def test_a_store_that_forgot_counts_as_one_that_is_down() -> None:
    stopwatch = MemoryStopwatch()
    lessor = ShortLessor(stopwatch, "worker")
    lessor.greet()
    stopwatch.knows = False
    with pytest.raises(QuotaUnknown):
        lessor.lease(block(), 10, 10)
    stopwatch.knows = True
    assert lessor.lease(block(), 10, 10).amount == 50
