"""One replica under the engine host: its process, what it was last seen to be, and what is being done to prepare it."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from appliance.catalog.adapters import Adapter
from appliance.catalog.service import ModelVersion
from appliance.drivers.vllm.control import EngineControl
from appliance.drivers.vllm.port import EngineDown, Health, Process
from appliance.kit import clock
from appliance.kit.errors import ApplianceError
from appliance.serving.adapters import engine_name
from appliance.serving.fleet import Seat
from appliance.serving.placement import Placement
from appliance.serving.reconcile import Course, Phase, Seen

LISTING = 4.0
"""Seconds between two looks at the names that an engine knows: one that is not ours may restart unseen."""
AGAIN = 5.0
"""Seconds after which a preparation that failed is tried again."""
WARM_SECONDS = 300.0
Recipe = tuple[UUID, Mapping[str, Any]]
"""What an engine is started from. Not the whole version: that it was verified again is no reason to restart."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at an engine showed. ``names`` None: it was not asked. ``worked``: of one that starts."""

    health: Health
    names: frozenset[str] | None = None
    worked: float = 0.0


@dataclass(slots=True)
class Kept:
    """One replica. ``in_since``, ``out_since``: when the rows began to say that it may be asked, or no longer.

    ``edition``: of the deployment as it was last tried.
    """

    id: UUID
    recipe: Recipe
    version: ModelVersion
    control: EngineControl
    address: str | None = None
    edition: int = 0
    course: Course = field(default_factory=Course)
    process: Process | None = None
    placement: Placement = field(default_factory=lambda: Placement(()))
    grace: float = 10.0
    names: frozenset[str] = frozenset()
    listed_at: float = -LISTING
    warmed: bool = False
    preparing: "Future[None] | None" = None
    due: float = 0.0
    trouble: str | None = None
    unwanted: dict[str, float] = field(default_factory=dict)
    retired: bool = False
    in_service: bool = False
    in_since: float | None = None
    out_since: float | None = None
    since: datetime = field(default_factory=clock.now)
    told: tuple[Any, ...] = ()

    @property
    def named(self) -> str:
        """What the engine calls the version itself."""
        return engine_name(self.version.name, self.version.digest)

    @property
    def ready(self) -> bool:
        """It answers: well, of the right version, and warm."""
        return self.course.phase is Phase.RUNNING and self.warmed and self.named in self.names

    def seat(self, recipe: Recipe | None, wants: Collection[Adapter]) -> Seat:
        """As the plan sees it."""
        needed = {adapter.engine_name for adapter in wants if adapter.base == self.version.id}
        return Seat(self.id, self.recipe == recipe, self.ready, self.ready and needed <= self.names, self.retired)

    def look(self) -> Sight:
        """Ask the engine, on a thread that may wait for it."""
        health = self.control.health()
        if health is not Health.WELL and self.process is not None and self.course.phase is Phase.STARTING:
            return Sight(health, worked=self.process.worked())
        if health is not Health.WELL or clock.monotonic() - self.listed_at < LISTING:
            return Sight(health)
        try:
            return Sight(health, self.control.names())
        except EngineDown:
            return Sight(health)

    def see(self, sight: Sight, *, wanted: bool) -> Seen:
        """Take in what was seen."""
        if sight.names is not None:
            self.names, self.listed_at = sight.names, clock.monotonic()
        return Seen(wanted=wanted, alive=True, health=sight.health, worked=sight.worked)

    def restarted(self) -> None:
        """Another process begins: nothing that was loaded is."""
        self.names, self.listed_at, self.warmed = frozenset(), -LISTING, False
        self.preparing, self.due, self.trouble = None, 0.0, None
        self.unwanted.clear()

    def prepare(
        self, wants: Collection[Adapter], pool: Executor, linger: float, check: Callable[[Adapter], None]
    ) -> None:
        """Have missing adapters loaded, those that nobody has wanted for ``linger`` seconds unloaded, and it warmed."""
        now = clock.monotonic()
        if self.preparing is not None:
            if not self.preparing.done():
                return
            self._prepared(self.preparing, now)
        if self.course.phase is not Phase.RUNNING or self.named not in self.names or now < self.due:
            self._version_trouble()
            return
        mine = {adapter.engine_name: adapter for adapter in wants if adapter.base == self.version.id}
        load = [adapter for name, adapter in mine.items() if name not in self.names]
        unload = self._expired(mine, now, linger)
        if load or unload or not self.warmed:
            self.preparing = pool.submit(self._work, load, unload, check, warm=not self.warmed)

    def _work(self, load: list[Adapter], unload: list[str], check: Callable[[Adapter], None], *, warm: bool) -> None:
        if warm:
            self.control.warm(self.named, WARM_SECONDS)
            self.warmed = True
        for adapter in load:
            check(adapter)
            self.control.load(adapter.engine_name, adapter.directory)
        for name in unload:
            self.control.unload(name)

    def _prepared(self, done: "Future[None]", now: float) -> None:
        self.preparing, self.trouble, self.listed_at = None, None, -LISTING
        error = done.exception()
        if isinstance(error, ApplianceError | OSError):
            self.trouble, self.due = str(error), now + AGAIN
        elif error is not None:
            raise error

    def _version_trouble(self) -> None:
        if self.course.phase is Phase.RUNNING and self.names and self.named not in self.names:
            self.trouble = f"it serves {', '.join(sorted(self.names))}, and not {self.named}"

    def _expired(self, mine: Mapping[str, Adapter], now: float, linger: float) -> list[str]:
        loaded = self.names - {self.named} - mine.keys()
        self.unwanted = {name: self.unwanted.get(name, now) for name in loaded}
        return [name for name, since in self.unwanted.items() if now - since >= linger]
