"""What a job can be and what follows from an end, as pure functions.

    queued ──lease──▶ running ──▶ succeeded
      ▲  │              │ │ └───▶ failed      a lasting reason, or attempts used up
      │  └──▶ cancelled ◀┘ │
      └────────────────────┘  lease expired, passing trouble, worker told to stop

An *attempt* is a lease that began and was not handed back in good order. A job that kills its worker uses one up each
time and so ends as failed. Passing trouble (503: the encoder is still loading) is not the job's fault: it is put off
with growing pauses and costs no attempt, but not for ever.
"""

from dataclasses import dataclass
from enum import StrEnum

from appliance.kit.errors import ApplianceError, Broken, Unavailable

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_PUT_OFF = 10.0
"""Passing trouble is asked about often: a user waits for the first file while the encoder loads."""


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return not NEXT[self]


NEXT: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.QUEUED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}


class Cancelled(Exception):
    """Raised inside a handler at its next poll after someone cancelled the job."""


class Interrupted(Exception):
    """Raised inside a handler at its next poll after the worker was told to stop."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a job is begun, and how often it may be put off."""

    attempts: int = 5
    deferrals: int = 360


@dataclass(frozen=True, slots=True)
class Tries:
    """What a job has used up: leases begun (the present one included) and times put off."""

    attempts: int
    deferrals: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job failed, in the form of the error tree."""

    code: str
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a job: its state, the pause before it may begin again, what it has used up, why it failed."""

    state: State
    tries: Tries
    pause: float = 0.0
    reason: Reason | None = None


def pause(count: int, longest: float = LONGEST_PAUSE) -> float:
    """Seconds to wait after the ``count``-th failure (from 1): 1, 2, 4 … ``longest``."""
    return float(min(longest, FIRST_PAUSE * 2 ** min(count - 1, 16)))


def after_error(error: BaseException, tries: Tries, limits: Limits) -> Verdict:
    """What becomes of a job whose handler raised."""
    if isinstance(error, Cancelled):
        return Verdict(State.CANCELLED, tries)
    if isinstance(error, Interrupted):
        return Verdict(State.QUEUED, Tries(tries.attempts - 1, tries.deferrals))
    if isinstance(error, Unavailable):
        return _put_off(error, tries, limits)
    if isinstance(error, ApplianceError) and not isinstance(error, Broken):
        return Verdict(State.FAILED, tries, reason=Reason(error.code, error.detail, error.advice))
    return _again(Reason("broken", f"{type(error).__name__}: {error}", Broken.advice), tries, limits)


def after_expiry(tries: Tries, limits: Limits, *, cancelled: bool) -> Verdict:
    """What becomes of a job whose worker died, or was cut off, with the lease in hand."""
    if cancelled:
        return Verdict(State.CANCELLED, tries)
    detail = f"the worker was lost {tries.attempts} times while it ran this job"
    verdict = _again(
        Reason("worker_lost", detail, "Look into the worker's log; the job may need more memory."), tries, limits
    )
    return Verdict(verdict.state, tries, reason=verdict.reason)  # the expired lease was pause enough


def _again(reason: Reason, tries: Tries, limits: Limits) -> Verdict:
    if tries.attempts >= limits.attempts:
        return Verdict(State.FAILED, tries, reason=reason)
    return Verdict(State.QUEUED, tries, pause=pause(tries.attempts))


def _put_off(error: Unavailable, tries: Tries, limits: Limits) -> Verdict:
    used = Tries(tries.attempts - 1, tries.deferrals + 1)
    if used.deferrals > limits.deferrals:
        detail = f"put off {tries.deferrals} times: {error.detail}"
        return Verdict(State.FAILED, tries, reason=Reason(error.code, detail, error.advice))
    return Verdict(State.QUEUED, used, pause=max(pause(used.deferrals, LONGEST_PUT_OFF), float(error.retry_after or 0)))
