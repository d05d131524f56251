"""The heartbeat of a run: a thread that renews the lease and hears of every reason to stop."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self

from appliance.jobs.states import Cancelled, Interrupted
from appliance.kit import clock, log
from appliance.kit.errors import LeaseLost

_logger = log.get(__name__)

OVERDUE_EXIT = 75
"""Exit code of a worker child that stopped itself because its handler would not (EX_TEMPFAIL)."""


class Stop(Enum):
    """Why a run has to stop."""

    CANCELLED = auto()
    INTERRUPTED = auto()
    LOST = auto()


class Pulse:
    """The reasons to stop, as the handler's side sees them. The first one stays."""

    def __init__(self) -> None:
        self._reason: Stop | None = None

    @property
    def stopped(self) -> bool:
        """Whether there is a reason."""
        return self._reason is not None

    def stop(self, reason: Stop) -> None:
        """Note a reason; a lost lease outweighs the others, since nothing may be written after it."""
        if self._reason is None or reason is Stop.LOST:
            self._reason = reason

    def check(self) -> None:
        """Raise what the reason calls for."""
        if self._reason is Stop.CANCELLED:
            raise Cancelled
        if self._reason is Stop.INTERRUPTED:
            raise Interrupted
        if self._reason is Stop.LOST:
            raise LeaseLost


def die(code: int) -> None:
    """End this process at once, whatever its threads do; the pool starts another."""
    os._exit(code)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a beat looks at besides the lease: is the worker being stopped, is its parent gone; and how to die."""

    stopping: Callable[[], bool] = lambda: False
    orphaned: Callable[[], bool] = lambda: False
    die: Callable[[int], None] = die


@dataclass(slots=True)
class Heart:
    """Beats while a run is on. ``renew`` gives True when somebody asked to cancel, None when the lease is lost.

    A handler that outlives ``longest`` seconds is not interruptible from here: its process ends, so that a job that
    hangs uses up its attempts like one that crashes.
    """

    pulse: Pulse
    renew: Callable[[], bool | None]
    every: float
    lease: float
    longest: float | None = None
    around: Surroundings = field(default_factory=Surroundings)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _began: float = field(default_factory=clock.monotonic)
    _renewed: float = field(default_factory=clock.monotonic)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(min(self.every, 1.0)):
            self.beat()

    def beat(self) -> None:
        """Look around, and renew the lease when it is time."""
        now = clock.monotonic()
        if self.around.orphaned() or (self.longest is not None and now - self._began > self.longest):
            _logger.error("job stopped with its process", after_seconds=round(now - self._began))
            self.around.die(OVERDUE_EXIT)
        if self.around.stopping():
            self.pulse.stop(Stop.INTERRUPTED)
        if now - self._renewed >= self.every:
            self._renew(now)

    def _renew(self, now: float) -> None:
        try:
            cancel = self.renew()
        except Exception:  # the edge of this thread: the database may be restarting
            _logger.warning("lease not renewed", exc_info=True)
            if now - self._renewed > self.lease:
                self.pulse.stop(Stop.LOST)
            return
        self._renewed = now
        if cancel is None:
            self.pulse.stop(Stop.LOST)
        elif cancel:
            self.pulse.stop(Stop.CANCELLED)
