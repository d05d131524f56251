"""Whether parts that are ready still live: who neither answers nor works for long is started again.

A stopped or deadlocked process does not end, so nothing else would notice. A busy one may be late too, on a machine
with too much to do very late: so silence alone is no reason, as long as the process gets some work done. It is asked in
a thread of its own, since a silent part keeps whoever asks it waiting.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from appliance.entry.up_plan import Part
from appliance.kit import clock
from appliance.kit.work import IDLE, worked

TIMES: Final = 3
"""Questions in a row that must have gone unanswered: a machine that slept has been asked once since."""
AT_MOST: Final = 10
"""Times its patience after which a silent part is started again even if it works: it may be going round in a loop."""
Alive = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Silence:
    """Since when a process has not answered, what it had worked by then (seconds of a core), how often it was asked."""

    pid: int
    since: float
    worked: float
    times: int = 1

    def again(self) -> "Silence":
        """Asked once more, without an answer."""
        return replace(self, times=self.times + 1)

    def hangs(self, now: float, worked: float, patience: float) -> bool:
        """Whether there is no more to wait for."""
        lasts = now - self.since
        if self.times < TIMES or lasts < patience:
            return False
        return worked - self.worked < IDLE * lasts or lasts >= AT_MOST * patience


class Pulse:
    """Asks every part that has ``patience``. ``factor`` of it is what the settings leave; 0: nobody is asked."""

    def __init__(self, plan: tuple[Part, ...], alive: Mapping[str, Alive], factor: float) -> None:
        self._patience = {part.name: part.patience * factor for part in plan if part.patience * factor > 0}
        self._alive = {name: alive[name] for name in self._patience}
        self._pids: Mapping[str, int] = {}
        self._silent: dict[str, Silence] = {}
        self._hung: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        if self._alive:
            self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def hung(self, ready: Mapping[str, int]) -> set[str]:
        """Which of these processes hang; these are the ones that are asked from now on."""
        self._pids = dict(ready)
        return {name for name, pid in self._hung.items() if ready.get(name) == pid}

    def _run(self) -> None:
        while not self._stop.wait(min(self._patience.values()) / (2 * TIMES)):
            for name, pid in self._pids.items():
                if name in self._alive:
                    self._ask(name, pid)

    def _ask(self, name: str, pid: int) -> None:
        if self._alive[name]():
            self._silent.pop(name, None)
            return
        try:
            done, now = worked(pid), clock.monotonic()
        except OSError:  # it ended, and whoever waits for it sees that
            return
        before = self._silent.get(name)
        if before is None or before.pid != pid:
            self._silent[name] = Silence(pid, now, done)
            return
        self._silent[name] = before.again()
        if self._silent[name].hangs(now, done, self._patience[name]):
            self._hung[name] = pid
