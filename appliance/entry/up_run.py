"""The loop of ``up``: starts what may start, asks what is starting, restarts what ended, stops all in order."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from appliance.entry import up_logs, up_plan
from appliance.entry.up_plan import Life, Part, State
from appliance.entry.up_probes import Probe
from appliance.entry.up_view import View
from appliance.kit import clock
from appliance.kit.children import Child, ChildNotStarted
from appliance.kit.errors import ApplianceError
from appliance.kit.leftovers import Leftovers

TICK = 0.05
Start = Callable[[Part], Child]
Changed = Callable[[Mapping[str, Life], Mapping[str, int]], None]


class Parts:
    """The parts of one appliance, each with its life and its process."""

    def __init__(
        self, plan: tuple[Part, ...], start: Start, probes: Mapping[str, Probe], log: Callable[[str], Path]
    ) -> None:
        self.plan = plan
        self.lives: dict[str, Life] = {part.name: Life() for part in plan}
        self.children: dict[str, Child] = {}
        self._start = start
        self._probes = probes
        self._log = log

    def tick(self, records: Leftovers) -> None:
        """Look at every part once."""
        for part in self.plan:
            self._look(part, records)

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
            self.lives[part.name] = life.ended(part, status, up_logs.last_words(self._log(part.name)), now)
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
        view.show(parts.lives, clock.monotonic())
        if parts.lives != seen:
            seen = dict(parts.lives)
            changed(seen, parts.pids())
        failed = up_plan.hopeless(parts.lives)
        if failed is not None:
            return f"{failed} cannot run: {parts.lives[failed].detail}"
    return None
