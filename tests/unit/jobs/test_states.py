"""What becomes of a job."""

import itertools

import pytest

from appliance.jobs.states import (
    NEXT,
    Cancelled,
    Interrupted,
    Limits,
    Reason,
    State,
    Tries,
    Verdict,
    after_error,
    after_expiry,
    pause,
)
from appliance.kit.errors import Broken, Refused, TooLarge, Unavailable

LIMITS = Limits(attempts=3, deferrals=4)


@pytest.mark.parametrize("state", list(State))
def test_only_ended_states_have_no_successor(state: State) -> None:
    assert state.final == (state in {State.SUCCEEDED, State.FAILED, State.CANCELLED})


@pytest.mark.parametrize(("before", "after"), list(itertools.product(State, State)))
def test_only_a_lease_leads_into_running(before: State, after: State) -> None:
    if after is State.RUNNING:
        assert (after in NEXT[before]) == (before is State.QUEUED)
    if after is State.SUCCEEDED:
        assert (after in NEXT[before]) == (before is State.RUNNING)


@pytest.mark.parametrize(
    ("count", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (8, 60.0), (5000, 60.0)]
)
def test_pauses_double_up_to_a_minute(count: int, seconds: float) -> None:
    assert pause(count) == seconds


@pytest.mark.parametrize(
    ("error", "tries", "verdict"),
    [
        (Cancelled(), Tries(1), Verdict(State.CANCELLED, Tries(1))),
        (Cancelled(), Tries(3), Verdict(State.CANCELLED, Tries(3))),
        (Interrupted(), Tries(1), Verdict(State.QUEUED, Tries(0))),
        (Interrupted(), Tries(3, 2), Verdict(State.QUEUED, Tries(2, 2))),
        (Unavailable("loading"), Tries(1), Verdict(State.QUEUED, Tries(0, 1), pause=1.0)),
        (Unavailable("loading"), Tries(1, 2), Verdict(State.QUEUED, Tries(0, 3), pause=4.0)),
        (Unavailable("loading"), Tries(1, 3), Verdict(State.QUEUED, Tries(0, 4), pause=8.0)),
        (Unavailable("loading", retry_after=20), Tries(1), Verdict(State.QUEUED, Tries(0, 1), pause=20.0)),
        (
            Unavailable("loading"),
            Tries(1, 4),
            Verdict(
                State.FAILED,
                Tries(1, 4),
                reason=Reason("unavailable", "put off 4 times: loading", Unavailable.advice),
            ),
        ),
        (
            TooLarge("too large by far"),
            Tries(1),
            Verdict(State.FAILED, Tries(1), reason=Reason("too_large", "too large by far", TooLarge.advice)),
        ),
        (
            Refused("no text"),
            Tries(2),
            Verdict(State.FAILED, Tries(2), reason=Reason("refused", "no text", Refused.advice)),
        ),
        (Broken("odd"), Tries(1), Verdict(State.QUEUED, Tries(1), pause=1.0)),
        (KeyError("x"), Tries(2), Verdict(State.QUEUED, Tries(2), pause=2.0)),
        (
            KeyError("x"),
            Tries(3),
            Verdict(State.FAILED, Tries(3), reason=Reason("broken", "KeyError: 'x'", Broken.advice)),
        ),
    ],
)
def test_an_error_becomes_a_verdict(error: Exception, tries: Tries, verdict: Verdict) -> None:
    assert after_error(error, tries, LIMITS) == verdict


@pytest.mark.parametrize(
    ("attempts", "cancelled", "state", "code"),
    [
        (1, False, State.QUEUED, None),
        (2, False, State.QUEUED, None),
        (3, False, State.FAILED, "worker_lost"),
        (1, True, State.CANCELLED, None),
        (3, True, State.CANCELLED, None),
    ],
)
def test_an_expired_lease_becomes_a_verdict(attempts: int, cancelled: bool, state: State, code: str | None) -> None:
    verdict = after_expiry(Tries(attempts), LIMITS, cancelled=cancelled)
    assert verdict.state is state
    assert (verdict.reason.code if verdict.reason else None) == code
    assert verdict.pause == 0


@pytest.mark.parametrize("error", [Cancelled(), Interrupted(), Unavailable(), Refused(), Broken(), ValueError()])
@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_every_verdict_is_a_way_out_of_running(error: Exception, attempts: int) -> None:
    assert after_error(error, Tries(attempts), LIMITS).state in NEXT[State.RUNNING]


def test_a_job_that_kills_its_worker_every_time_fails_in_the_end() -> None:
    tries, begun = Tries(0), 0
    while True:
        begun += 1
        verdict = after_expiry(Tries(tries.attempts + 1), LIMITS, cancelled=False)
        tries = verdict.tries
        if verdict.state.final:
            break
    assert (begun, verdict.state) == (3, State.FAILED)


def test_passing_trouble_is_asked_about_every_ten_seconds_for_an_hour() -> None:
    limits = Limits()
    verdict = after_error(Unavailable(), Tries(1, 200), limits)
    assert (verdict.state, verdict.pause) == (State.QUEUED, 10.0)
    assert limits.deferrals * 10 == 3600


def test_trouble_that_never_passes_fails_in_the_end() -> None:
    tries, begun = Tries(0), 0
    while True:
        begun += 1
        verdict = after_error(Unavailable(), Tries(tries.attempts + 1, tries.deferrals), LIMITS)
        tries = verdict.tries
        if verdict.state.final:
            break
    assert (begun, verdict.state) == (5, State.FAILED)
