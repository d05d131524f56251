"""What ``up`` runs, in which order, and what it does when a part ends: pure, so that every case is a line in a test.

The encoder and the engines load for a while and need a core each: they start once all else is up, so that the page, the
API, jobs and sparse search are there in seconds.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from appliance.kit.priority import BEHIND

HOPELESS = 5
"""Lives in a row that ended before they were ready: then the part cannot live."""
RECENT = 60.0
"""Seconds in which ends make the pause before the next start longer."""
SHORTEST, LONGEST = 0.2, 10.0


class State(StrEnum):
    """Where a part is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    PAUSING = "restarting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the appliance.

    ``early``: it is started at once and waits by itself for the schema, so that its code loads meanwhile. ``once``: it
    does its work and ends. ``vital``: nothing works without it. ``nice``: how far it yields to those who answer.
    ``prompt``: questions wait for each of its turns. ``patience``: seconds that it may neither answer nor work once it
    is ready; 0: it is not asked. The stores are not: what they may be at, a kill would only prolong.
    """

    name: str
    needs: tuple[str, ...] = ()
    module: str = ""
    early: bool = False
    once: bool = False
    vital: bool = True
    grace: float = 10.0
    nice: int = 0
    prompt: bool = False
    patience: float = 0.0

    def argv(self) -> list[str]:
        """The command of a part that is a module of ours."""
        modules = ["appliance.entry.begin", self.module] if self.early else [self.module]
        return [sys.executable, "-P", "-m", *modules]


def parts(*, engines: bool) -> tuple[Part, ...]:
    """The embedded profile."""
    core = ("web", "worker", "index")
    plan = [
        Part("postgres", grace=30.0, prompt=True),
        Part("valkey", grace=5.0, prompt=True),
        Part("schema", needs=("postgres",), module="appliance.entry.first", once=True),
        Part("web", module="appliance.entry.web", early=True, grace=12.0, prompt=True, patience=60.0),
        Part("worker", module="appliance.entry.worker", early=True, nice=BEHIND, patience=180.0),
        Part("index", module="appliance.entry.index", early=True, prompt=True, patience=180.0),
        Part("encoder", needs=core, module="appliance.entry.encoder", vital=False, nice=BEHIND, patience=120.0),
    ]
    if engines:
        plan.append(Part("engines", needs=core, module="appliance.entry.engines", vital=False, grace=20.0, nice=BEHIND))
    return tuple(plan)


def stages(plan: tuple[Part, ...]) -> list[list[Part]]:
    """The order of stopping: our processes together, then the stores that they write to."""
    return [[part for part in plan if part.module], [part for part in plan if not part.module]]


@dataclass(frozen=True, slots=True)
class Life:
    """What has become of a part so far. Times are seconds of the monotonic clock."""

    state: State = State.WAITING
    since: float = 0.0
    starts: int = 0
    unready: int = 0
    ends: tuple[float, ...] = field(default=())
    until: float = 0.0
    detail: str = ""

    def begun(self, now: float) -> "Life":
        """Its process was started."""
        return replace(self, state=State.STARTING, since=now, starts=self.starts + 1, detail="")

    def told(self, detail: str) -> "Life":
        """It says what it is doing."""
        return replace(self, detail=detail)

    def ready(self, now: float) -> "Life":
        """It can be used."""
        return replace(self, state=State.READY, since=now, unready=0, detail="")

    def ended(self, part: Part, status: int, last: str, now: float) -> "Life":
        """Its process ended: done, to be started again after a pause, or without hope."""
        if part.once and status == 0:
            return replace(self, state=State.DONE, since=now, detail="")
        unready = self.unready + (self.state is State.STARTING)
        ends = (*(end for end in self.ends if now - end < RECENT), now)
        detail = f"{told(status)}: {last}"
        if (part.once and status > 0) or (part.vital and unready >= HOPELESS):
            return replace(self, state=State.FAILED, since=now, unready=unready, ends=ends, detail=detail)
        until = now + min(SHORTEST * 2 ** (len(ends) - 1), LONGEST)
        return replace(self, state=State.PAUSING, since=now, unready=unready, ends=ends, until=until, detail=detail)

    def may_start(self, part: Part, lives: "Mapping[str, Life]", now: float) -> bool:
        """Whether its time has come: first when all that it needs is there, later when its pause is over."""
        if self.state is State.PAUSING:
            return now >= self.until
        usable = (State.READY, State.DONE)
        return self.state is State.WAITING and all(lives[name].state in usable for name in part.needs)


def told(status: int) -> str:
    """An exit status in words."""
    return f"killed by signal {-status}" if status < 0 else f"ended with code {status}"


def up(plan: tuple[Part, ...], lives: Mapping[str, Life]) -> bool:
    """Whether every vital part can be used."""
    return all(lives[part.name].state in (State.READY, State.DONE) for part in plan if part.vital)


def hopeless(lives: Mapping[str, Life]) -> str | None:
    """The part that cannot live, if there is one."""
    return next((name for name, life in lives.items() if life.state is State.FAILED), None)
