"""The loop of ``up``: starts what may start, asks what is starting, restarts what ended, stops all in order."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from appliance.entry import up_logs, up_plan
from appliance.entry.up_plan import Life, Part, State
from appliance.entry.up_probes import Probe
from appliance.entry.up_pulse import Pulse
from appliance.entry.up_view import View
from appliance.kit import clock
from appliance.kit.children import Child, ChildNotStarted
from appliance.kit.errors import ApplianceError
from appliance.kit.leftovers import Leftovers

TICK = 0.05
LAST_GRACE = 2.0
Start = Callable[[Part], Child]
Changed = Callable[[Mapping[str, Life], Mapping[str, int]], None]


class Parts:
    """The parts of one appliance, each with its life and its process."""

    def __init__(
        self,
        plan: tuple[Part, ...],
        start: Start,
        probes: Mapping[str, Probe],
        log: Callable[[str], Path],
        pulse: Pulse | None = None,
    ) -> None:
        self.plan = plan
        self.pulse = pulse or Pulse((), {}, 0)
        self.news: list[str] = []
        self._given_up: dict[str, str] = {}
        self.lives: dict[str, Life] = {part.name: Life() for part in plan}
        self.children: dict[str, Child] = {}
        self._start = start
        self._probes = probes
        self._log = log

    def tick(self, records: Leftovers) -> None:
        """Look at every part once."""
        ready = (name for name, life in self.lives.items() if life.state is State.READY)
        for name in self.pulse.hung({name: self.children[name].pid for name in ready if name in self.children}):
            self._give_up(name)
        for part in self.plan:
            self._look(part, records)

    def _give_up(self, name: str) -> None:
        """A part that hangs: it had its time, so it has little more to end in order."""
        if name not in self._given_up:
            self._given_up[name] = "it did not answer any more"
            self.news.append(f"{name} does not answer any more, and is started again.")
            self.children[name].ask_to_stop(LAST_GRACE)

    def pids(self) -> dict[str, int]:
        """The process of each part that runs."""
        return {name: child.pid for name, child in self.children.items()}

    def _look(self, part: Part, records: Leftovers) -> None:
        life, now = self.lives[part.name], clock.monotonic()
        child = self.children.get(part.name)
        if child is None:
            if life.may_start(part, self.lives, now):
                self._begin(part, records)
            return
        status = child.poll()
        if status is not None:
            del self.children[part.name]
            records.forget(part.name)
            words = self._given_up.pop(part.name, None) or up_logs.last_words(self._log(part.name))
            self.lives[part.name] = life.ended(part, status, words, now)
        elif life.state is State.STARTING and not part.once:
            told = self._probes[part.name]()
            self.lives[part.name] = life.told(told) if told else life.ready(clock.monotonic())

    def _begin(self, part: Part, records: Leftovers) -> None:
        life, now = self.lives[part.name], clock.monotonic()
        try:
            child = self._start(part)
        except (ApplianceError, ChildNotStarted, OSError) as error:
            self.lives[part.name] = replace(life, state=State.FAILED, since=now, detail=str(error))
            return
        records.record(child.trace)
        self.children[part.name] = child
        self.lives[part.name] = life.begun(now)

    def stop(self, hurry: Callable[[], bool]) -> None:
        """Stop all, who is needed by others last; ``hurry`` cuts every grace short."""
        for stage in up_plan.stages(self.plan):
            running = [(part, self.children[part.name]) for part in stage if part.name in self.children]
            for part, child in running:
                child.ask_to_stop(part.grace)
            while any(child.poll() is None for _, child in running):
                if hurry():
                    for _, child in running:
                        child.ask_to_stop(0)
                time.sleep(TICK / 2)


def run(
    parts: Parts, records: Leftovers, view: View, changed: Changed, stopping: Callable[[float], bool]
) -> str | None:
    """Keep the appliance up until told to stop; the sentence about the part that cannot live, if one cannot.

    ``stopping`` waits so many seconds and tells whether to stop; ``changed`` hears of every change.
    """
    seen: dict[str, Life] = {}
    while not stopping(TICK):
        parts.tick(records)
        while parts.news:
            view.say(parts.news.pop(0))
        view.show(parts.lives, clock.monotonic())
        if parts.lives != seen:
            seen = dict(parts.lives)
            changed(seen, parts.pids())
        failed = up_plan.hopeless(parts.lives)
        if failed is not None:
            return f"{failed} cannot run: {parts.lives[failed].detail}"
    return None
