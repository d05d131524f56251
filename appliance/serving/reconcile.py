"""What to do next about one replica: decided purely from what is wanted and what is seen.

stopped ──start──▶ starting ──well──▶ running ──stop──▶ draining ──ended──▶ stopped
                      │ ended, dead, or too slow  │ ended, dead, or silent too long
                      ▼                           ▼
                  backing_off ──time is up──▶ starting        failed: too often, tried again after RETRY_FAILED

An operator who changes or starts the deployment again waits for neither.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.drivers.vllm.port import Health
from appliance.kit.work import IDLE

BACK_OFF = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
CRASH_LOOP = 5
"""Ends in a row, with no ``STEADY`` seconds of health between them, that make a deployment failed."""
STEADY = 300.0
RETRY_FAILED = 600.0
LOADING = "loads its weights"
AT_MOST = 6
"""Times the longest start that one which still works may take: on a busy machine compiling lasts. Then it loops."""
PAUSE = 0.1
"""Share of the longest start in which one that works has done something."""
SILENT_SECONDS = 60.0
"""A running engine that does not answer its health check for so long is hung. The check shares the engine's cores."""


class Phase(StrEnum):
    """What a deployment is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing_off"
    FAILED = "failed"
    DRAINING = "draining"


class Act(StrEnum):
    """What the host must carry out."""

    NOTHING = "nothing"
    START = "start"
    DRAIN = "drain"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Course:
    """How far a deployment is; times are monotonic seconds. ``ends`` counts unplanned ends in a row.

    ``busy_at``: when a start was last seen to have gone on; by then it had ``worked`` so many seconds of a core.
    """

    phase: Phase = Phase.STOPPED
    since: float = 0.0
    reason: str | None = None
    ends: int = 0
    restarts: int = 0
    well_at: float = 0.0
    due: float = 0.0
    worked: float = 0.0
    busy_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the host sees now. ``ended``: how the process ended, None while it runs; ``alive``: there is a process.

    ``worked``: seconds of a core that one which starts has used so far.
    """

    wanted: bool
    alive: bool = False
    ended: int | None = None
    health: Health = Health.SILENT
    worked: float = 0.0


def step(course: Course, seen: Seen, now: float, start_seconds: float) -> tuple[Course, Act]:
    """The next course and what to do about it."""
    if seen.ended is not None:
        return _after_end(course, seen, now)
    if not seen.alive:
        return _without(course, seen, now)
    if not seen.wanted:
        if course.phase is Phase.DRAINING:
            return course, Act.NOTHING
        return _to(course, Phase.DRAINING, now, "finishes what it has begun"), Act.DRAIN
    if course.phase is Phase.DRAINING:
        return course, Act.NOTHING  # wanted again: it starts anew once this process is gone
    return _alive(course, seen, now, start_seconds)


def fail(course: Course, now: float, reason: str, again: float = RETRY_FAILED) -> Course:
    """It cannot be started as it is: its files are not right, or its settings. Tried after ``again`` seconds."""
    return replace(_to(course, Phase.FAILED, now, reason), due=now + again)


def retried(course: Course, now: float) -> Course:
    """An operator says to try again: what it waits for is over, and how often it ended is forgotten."""
    return replace(course, ends=0, due=now) if course.phase in (Phase.BACKING_OFF, Phase.FAILED) else course


def _alive(course: Course, seen: Seen, now: float, start_seconds: float) -> tuple[Course, Act]:
    if seen.health is Health.DEAD and course.phase is Phase.RUNNING:
        return replace(course, reason="it says that it is broken"), Act.KILL
    if seen.health is Health.WELL:
        if course.phase is not Phase.RUNNING:
            course = _to(course, Phase.RUNNING, now, None)
        steady = now - course.since >= STEADY
        return replace(course, well_at=now, ends=0 if steady else course.ends), Act.NOTHING
    if course.phase is Phase.STARTING:
        return _starting(course, seen, now, start_seconds)
    if course.phase is Phase.RUNNING and now - course.well_at > SILENT_SECONDS:
        return replace(course, reason=f"no answer for {SILENT_SECONDS:g} s"), Act.KILL
    return course, Act.NOTHING


def _starting(course: Course, seen: Seen, now: float, start_seconds: float) -> tuple[Course, Act]:
    """Time is up for what does nothing any more; what works has more of it, and not without end."""
    pause = PAUSE * start_seconds
    if seen.worked - course.worked >= IDLE * pause:
        course = replace(course, worked=seen.worked, busy_at=now)
    longest = start_seconds if now - course.busy_at > pause else AT_MOST * start_seconds
    if now - course.since <= longest:
        return course, Act.NOTHING
    return replace(course, reason=f"not ready after {longest:g} s"), Act.KILL


def _without(course: Course, seen: Seen, now: float) -> tuple[Course, Act]:
    if not seen.wanted:
        if course.phase is Phase.STOPPED:
            return course, Act.NOTHING
        return replace(_to(course, Phase.STOPPED, now, None), ends=0), Act.NOTHING
    if course.phase in (Phase.BACKING_OFF, Phase.FAILED) and now < course.due:
        return course, Act.NOTHING
    again = course.restarts + 1 if course.ends else course.restarts
    return replace(_to(course, Phase.STARTING, now, LOADING), restarts=again, worked=0.0, busy_at=now), Act.START


def _after_end(course: Course, seen: Seen, now: float) -> tuple[Course, Act]:
    if not seen.wanted or course.phase is Phase.DRAINING:
        return replace(_to(course, Phase.STOPPED, now, None), ends=0), Act.NOTHING
    ends = course.ends + 1
    code = seen.ended or 0
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    reason = f"{course.reason}; " if course.reason and course.reason != LOADING else ""
    reason += f"ended with {how} while {course.phase.replace('_', ' ')}"
    if ends >= CRASH_LOOP:
        return replace(fail(course, now, f"{reason}, {ends} times in a row"), ends=ends), Act.NOTHING
    wait = BACK_OFF[min(ends, len(BACK_OFF)) - 1]
    return replace(_to(course, Phase.BACKING_OFF, now, reason), ends=ends, due=now + wait), Act.NOTHING


def _to(course: Course, phase: Phase, now: float, reason: str | None) -> Course:
    return replace(course, phase=phase, since=now, reason=reason)
