"""The heartbeat and the reasons to stop."""

import pytest

from appliance.jobs.pulse import OVERDUE_EXIT, Heart, Pulse, Stop, Surroundings
from appliance.jobs.states import Cancelled, Interrupted
from appliance.kit.errors import LeaseLost
from tests.factories.processes import until


@pytest.mark.parametrize(
    ("stops", "raised"),
    [
        ([Stop.CANCELLED], Cancelled),
        ([Stop.INTERRUPTED], Interrupted),
        ([Stop.LOST], LeaseLost),
        ([Stop.CANCELLED, Stop.INTERRUPTED], Cancelled),
        ([Stop.INTERRUPTED, Stop.CANCELLED], Interrupted),
        ([Stop.CANCELLED, Stop.LOST], LeaseLost),
        ([Stop.LOST, Stop.CANCELLED], LeaseLost),
    ],
)
def test_the_first_reason_stays_unless_the_lease_is_lost(stops: list[Stop], raised: type[Exception]) -> None:
    pulse = Pulse()
    for stop in stops:
        pulse.stop(stop)
    assert pulse.stopped
    with pytest.raises(raised):
        pulse.check()


def test_a_pulse_without_a_reason_lets_the_handler_go_on() -> None:
    pulse = Pulse()
    pulse.check()
    assert not pulse.stopped


@pytest.mark.parametrize(("answer", "raised"), [(True, Cancelled), (None, LeaseLost)])
def test_a_renewal_tells_of_a_cancel_and_of_a_lost_lease(answer: bool | None, raised: type[Exception]) -> None:
    heart = Heart(Pulse(), lambda: answer, every=0, lease=9)
    heart.beat()
    with pytest.raises(raised):
        heart.pulse.check()


def test_a_renewal_that_fails_is_tried_again_until_the_lease_must_have_expired() -> None:
    def fail() -> bool | None:
        raise ConnectionError

    patient = Heart(Pulse(), fail, every=0, lease=9)
    patient.beat()
    assert not patient.pulse.stopped
    late = Heart(Pulse(), fail, every=0, lease=-1)
    late.beat()
    with pytest.raises(LeaseLost):
        late.pulse.check()


def test_a_lease_is_not_renewed_before_its_time() -> None:
    heart = Heart(Pulse(), lambda: True, every=60, lease=90)
    heart.beat()
    assert not heart.pulse.stopped


def test_a_stopping_worker_interrupts_its_job() -> None:
    heart = Heart(Pulse(), lambda: False, every=60, lease=90, around=Surroundings(stopping=lambda: True))
    heart.beat()
    with pytest.raises(Interrupted):
        heart.pulse.check()


@pytest.mark.parametrize(("longest", "orphaned", "codes"), [(None, True, [75]), (-1.0, False, [75]), (60.0, False, [])])
def test_an_orphan_and_a_handler_that_hangs_end_with_their_process(
    longest: float | None,
    orphaned: bool,
    codes: list[int],
) -> None:
    died: list[int] = []
    around = Surroundings(orphaned=lambda: orphaned, die=died.append)
    Heart(Pulse(), lambda: False, every=60, lease=90, longest=longest, around=around).beat()
    assert died == codes
    assert OVERDUE_EXIT == 75


def test_the_heart_beats_while_the_run_is_on_and_not_after() -> None:
    beats: list[int] = []

    def renew() -> bool:
        beats.append(1)
        return False

    with Heart(Pulse(), renew, every=0.01, lease=9):
        until(lambda: len(beats) >= 3)
    after = len(beats)
    with Heart(Pulse(), lambda: False, every=0.01, lease=9):
        pass
    assert len(beats) == after
