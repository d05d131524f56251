"""Which state the licence is in, as a pure function of what is installed and what time it is at least."""

from dataclasses import dataclass
from enum import StrEnum

from appliance.licensing.licence import DAY, Licence, Limits

EXPIRING_DAYS = 30
EVALUATION_DAYS = 30
EVALUATION = Limits(tenants=2, seats=10, gpus=1, adapters=1)


class State(StrEnum):
    """What is told about the licence."""

    EVALUATION = "evaluation"
    VALID = "valid"
    EXPIRING = "expiring"
    GRACE = "grace"
    EXPIRED = "expired"
    REVOKED = "revoked"
    TAMPERED = "tampered"
    CLOCK_SUSPECT = "clock_suspect"


OVER = frozenset({State.EXPIRED, State.REVOKED, State.TAMPERED})
"""Nothing new in these; what is there stays readable."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state that is told and the one that decides: they differ while the clock is suspect.

    ``until`` (seconds since 1970) is when the deciding state ends by itself, None when it does not.
    """

    state: State
    deciding: State
    until: int | None


def standing(state: State, until: int | None, *, suspect: bool) -> Standing:
    """A state as it is told."""
    return Standing(State.CLOCK_SUSPECT if suspect else state, state, until)


def of_licence(licence: Licence, now: int, revoked: frozenset[str]) -> tuple[State, int | None]:
    """The state of a licence that holds, and its end."""
    if licence.id in revoked:
        return State.REVOKED, None
    if now >= licence.ends:
        return State.EXPIRED, None
    if now >= licence.expires:
        return State.GRACE, licence.ends
    soon = licence.expires - EXPIRING_DAYS * DAY
    return (State.EXPIRING, licence.expires) if now >= soon else (State.VALID, soon)


def of_evaluation(first_start: int, now: int) -> tuple[State, int | None]:
    """The state without a file: 30 days from the first start."""
    ends = first_start + EVALUATION_DAYS * DAY
    return (State.EVALUATION, ends) if now < ends else (State.EXPIRED, None)
