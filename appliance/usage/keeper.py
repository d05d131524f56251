"""Keeps this process's blocks: reads the rules anew, renews leases, gives back what lies idle."""

import threading
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from appliance.drivers.stopwatch import StopwatchDown
from appliance.kit import clock, log
from appliance.usage.budgets import Budgets, Line
from appliance.usage.measures import KEPT, Measure

PAUSE: Final = 1.0
IDLE: Final = 2.0
"""Seconds after which what is free of an unused block goes back, for others to have."""
RENEWED: Final = 30.0
"""Leases are renewed when they count for less than so many seconds."""
_logger = log.get(__name__)


class Keeper:
    """A thread beside the budgets of a process."""

    def __init__(self, budgets: Budgets, pause: float = PAUSE) -> None:
        self._budgets = budgets
        self._pause = pause
        self._lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quota-keeper", daemon=True)

    def start(self) -> None:
        """Greet the stopwatch, then keep in the background."""
        self._greet()
        self._thread.start()

    def stop(self) -> None:
        """Give everything back and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self.give_back(0.0)

    def once(self) -> None:
        """One round. What cannot be done now is done in a later one."""
        self._greet()
        try:
            self._budgets.rulebook.refresh()
            self._renew()
        except (SQLAlchemyError, OSError) as error:
            _logger.warning("quotas are not read anew for now", error=type(error).__name__)
        self.give_back(IDLE)
        self._tell()

    def give_back(self, idle: float) -> None:
        """Give back what is free of blocks that were not used for so many seconds."""
        for line in self._budgets.lines():
            with line.leasing:
                self._give(line, clock.monotonic() - idle)

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            self.once()

    def _greet(self) -> None:
        try:
            self._budgets.short.greet()
        except StopwatchDown as error:
            if not self._lost:
                _logger.warning("short windows are not shared for now", reason=str(error))
            self._lost = True
        else:
            self._lost = False

    def _renew(self) -> None:
        soon = clock.monotonic() + RENEWED
        blocks = [line.block for line in self._budgets.lines()]
        due = [block for block in blocks if block.limit.measure in KEPT and block.window_id and block.dies < soon]
        lost = self._budgets.kept.renew(due) if due else []
        with self._budgets.locked():
            for block in lost:
                block.dies = 0.0

    def _give(self, line: Line, since: float) -> None:
        block = line.block
        with self._budgets.locked():
            free = block.free if block.used_at <= since else 0
            if free <= 0:
                return
            block.held -= free
        try:
            self._budgets.lessor(block.limit).give(block, free)
        except (StopwatchDown, SQLAlchemyError, OSError):
            with self._budgets.locked():
                block.held += free

    def _tell(self) -> None:
        for line in self._budgets.lines():
            if line.block.limit.measure is Measure.CONCURRENT_REQUESTS and line.block.held:
                with line.leasing:
                    try:
                        self._budgets.short.tell(line.block)
                    except StopwatchDown:
                        return
