"""The engine host: keeps what runs in step with what deployments say should run, and reports what it sees.

It looks at the rows and at its engines once a second, and at once when the rows ring; lets ``fleet.plan`` decide which
replicas there are and ``reconcile.step`` what each does next; and carries that out. When the database does not answer
the engines go on as they are.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from appliance.catalog.adapters import Adapter
from appliance.drivers.vllm.arguments import parse
from appliance.drivers.vllm.control import EngineControl
from appliance.drivers.vllm.port import Health
from appliance.kit import clock, crypto, log
from appliance.kit.database import Database
from appliance.kit.errors import ApplianceError
from appliance.kit.ids import uuid7
from appliance.kit.layout import Layout
from appliance.serving import adapters, endpoints, fleet, flipping
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.errors import NoPlace
from appliance.serving.keeping import Kept, Recipe, Sight
from appliance.serving.launch import KEY, Launcher, Order
from appliance.serving.placement import Held
from appliance.serving.reconcile import RETRY_FAILED, Act, Phase, Seen, fail, retried, step
from appliance.serving.reporting import Reports
from appliance.serving.routes import Route, Routes

SETTLE = 2.5
"""Seconds between telling that nobody is to ask an engine and draining it: a gateway's snapshot is one second old."""
LINGER = 300.0
"""Seconds for which an adapter that no route names stays loaded: the longest that a request may take."""
RETRY_PLACE = 30.0
_LOOKING = 8
_logger = log.get(__name__)


@dataclass(slots=True)
class Fleet:
    """The replicas of one deployment. ``restarts`` counts those of replicas that are gone, too."""

    deployment: Deployment
    restarts: int
    kept: list[Kept] = field(default_factory=list)
    since: datetime = field(default_factory=clock.now)
    actual: str = "stopped"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: the longest start; how long before a drain and an unloading; see :data:`SETTLE` and :data:`LINGER`."""

    start: float
    settle: float = SETTLE
    linger: float = LINGER


@dataclass(frozen=True, slots=True)
class World:
    """What the host rests on. ``elsewhere``: addresses of engines that others start, by the deployment's name.

    ``keep``: see before each look that this host is still the one (:mod:`appliance.serving.tenure`).
    """

    system: Database
    launcher: Launcher
    layout: Layout
    known: adapters.Adapters = adapters.none
    check: Callable[[Adapter], None] = lambda _adapter: None
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    keep: Callable[[], None] = lambda: None


class Host:
    """Owns the engines of one machine, and watches over those of a cluster."""

    def __init__(self, world: World, timing: Timing) -> None:
        self._world = world
        self._timing = timing
        self._fleets: dict[UUID, Fleet] = {}
        self._reports = Reports(world.system)
        self._wants: Mapping[UUID, Sequence[Adapter]] = {}
        self._pool = ThreadPoolExecutor(_LOOKING, thread_name_prefix="engines")
        self._preparing = ThreadPoolExecutor(_LOOKING, thread_name_prefix="prepare")
        self.wake = threading.Event()

    def run(self, stop: threading.Event, pause: float) -> None:
        """Reconcile every ``pause`` seconds and when woken, until told to stop; then drain all engines and wait.

        Raises ``Superseded`` when another host has taken over; the engines are then for who ends this process.
        """
        while not stop.is_set():
            self.wake.clear()
            try:
                self._world.keep()
                self.once()
            except SQLAlchemyError as error:
                _logger.warning("deployments cannot be read for now", error=str(error))
            self.wake.wait(pause)
        while self._fleets:
            self._all({})
            threading.Event().wait(min(pause, 0.1))
        self._pool.shutdown()
        self._preparing.shutdown(cancel_futures=True)

    def once(self) -> None:
        """One look at everything."""
        self._reports.begin()
        with self._world.system.session() as session:
            wanted = {deployment.id: deployment for deployment in Deployments(session).all()}
            routes = Routes(session).all()
            adapters_of = {lead.adapter for lead in flipping.leads(routes) if lead.adapter}
            known = self._world.known(session, adapters_of)
        self._wants = flipping.wants(routes, known)
        for key, deployment in wanted.items():
            found = self._fleets.setdefault(key, Fleet(deployment, deployment.restarts))
            found.deployment = deployment
        self._all(wanted)
        self._flip(flipping.due(routes, wanted, known))

    def _flip(self, routes: Sequence[Route]) -> None:
        for route in routes:
            with self._world.system.session() as session:
                if Routes(session).flip(route):
                    _logger.info("route flipped", route=route.name)

    def _all(self, wanted: Mapping[UUID, Deployment]) -> None:
        sights = self._look()
        for key, found in list(self._fleets.items()):
            try:
                self._one(found, wanted.get(key), sights)
            except SQLAlchemyError as error:
                _logger.warning("what engines do cannot be reported", error=str(error))
            if key not in wanted and not found.kept:
                del self._fleets[key]

    def _look(self) -> dict[UUID, Sight]:
        """Ask all engines at once: one that hangs keeps nobody else waiting."""
        asked = [
            kept
            for found in self._fleets.values()
            for kept in found.kept
            if kept.process is not None and kept.course.phase in (Phase.STARTING, Phase.RUNNING)
        ]
        return dict(zip((kept.id for kept in asked), self._pool.map(Kept.look, asked), strict=True))

    def _one(self, found: Fleet, deployment: Deployment | None, sights: Mapping[UUID, Sight]) -> None:
        running = deployment is not None and deployment.desired == "running"
        recipe = (found.deployment.version.id, found.deployment.engine) if running else None
        for kept in list(found.kept):
            self._step(found, kept, sights, running=running)
        self._plan(found, recipe)
        try:
            self._reports.tell(found)
            for kept in found.kept:
                if kept.in_since is not None and clock.monotonic() - kept.in_since >= self._timing.settle:
                    self._world.layout.engine_warm(kept.id).touch()  # by now every gateway has read the row
        finally:
            found.kept = [kept for kept in found.kept if not (kept.retired and kept.process is None)]

    def _plan(self, found: Fleet, recipe: Recipe | None) -> None:
        """Begin, serve and retire; engines elsewhere have their addresses and no recipe of ours."""
        wants = self._wants.get(found.deployment.id, ())
        urls = self._world.elsewhere.get(found.deployment.name)
        places = None if urls is None else endpoints.addresses(urls)
        for kept in found.kept:
            if places is not None:
                self._elsewhere(kept, found.deployment, places)
            if recipe is not None and not kept.retired:
                kept.prepare(wants, self._preparing, self._timing.linger, self._world.check)
        count = (found.deployment.wanted if places is None else len(places)) if recipe is not None else 0
        made = fleet.plan(count, [kept.seat(recipe, wants) for kept in found.kept])
        for kept in found.kept:
            kept.in_service = kept.id in made.serve
            kept.retired = kept.retired or kept.id in made.retire
        free = [one for one in places or () if one not in {kept.address for kept in found.kept if not kept.retired}]
        for number in range(made.begin):
            self._begin(found, free[number] if places is not None else None)

    @staticmethod
    def _elsewhere(kept: Kept, deployment: Deployment, places: Sequence[str]) -> None:
        """What a cluster's engine runs is not for us to change: it is asked while it serves what is wanted."""
        kept.retired = kept.retired or kept.address not in places
        recipe = (deployment.version.id, deployment.engine)
        if kept.recipe != recipe:
            kept.recipe, kept.version, kept.warmed = recipe, deployment.version, False

    def _begin(self, found: Fleet, address: str | None) -> None:
        replica, deployment = uuid7(), found.deployment
        layout = self._world.layout
        control = EngineControl(layout.engine_socket(replica), crypto.kept(layout.secret(KEY)), address)
        recipe = (deployment.version.id, deployment.engine)
        found.kept.append(Kept(replica, recipe, deployment.version, control, address, deployment.edition))

    def _step(self, found: Fleet, kept: Kept, sights: Mapping[UUID, Sight], *, running: bool) -> None:
        wanted = not kept.retired or (running and self._settling(kept))
        if kept.edition != found.deployment.edition:
            kept.edition, kept.course = found.deployment.edition, retried(kept.course, clock.monotonic())
        before = kept.course
        kept.course, act = step(before, self._see(kept, sights, wanted=wanted), clock.monotonic(), self._timing.start)
        found.restarts += kept.course.restarts - before.restarts
        if act is Act.START:
            self._start(found, kept)
        elif act in (Act.DRAIN, Act.KILL) and kept.process is not None:
            kept.process.ask_to_stop(kept.grace if act is Act.DRAIN else 0)
        if act is Act.START or kept.course.phase is not before.phase:
            kept.since = clock.now()  # a try that failed at once is another failure
        if kept.course.phase is not before.phase:
            told = {"deployment": found.deployment.name, "replica": kept.id.hex[-12:]}
            _logger.info("engine", **told, phase=kept.course.phase, reason=kept.course.reason)
            if kept.course.phase is not Phase.RUNNING:
                self._world.layout.engine_warm(kept.id).unlink(missing_ok=True)

    def _settling(self, kept: Kept) -> bool:
        """Whether somebody may still ask it. Once nobody may be told to, it is drained after a moment."""
        return kept.in_service or (
            kept.out_since is not None and clock.monotonic() - kept.out_since < self._timing.settle
        )

    def _see(self, kept: Kept, sights: Mapping[UUID, Sight], *, wanted: bool) -> Seen:
        if kept.process is None:
            return Seen(wanted=wanted)
        ended = kept.process.poll()
        if ended is not None:
            kept.process, kept.in_service = None, False
            self._world.launcher.ended(kept.id)
            return Seen(wanted=wanted, ended=ended)
        return kept.see(sights.get(kept.id, Sight(Health.SILENT)), wanted=wanted)

    def _start(self, found: Fleet, kept: Kept) -> None:
        """Start it. What it is started from is the recipe that it was made for, whatever the row says by now."""
        kept.restarted()
        try:
            engine = parse(kept.recipe[1])
            kept.grace = engine.drain_seconds + 5.0
            if kept.address is not None:
                kept.process = endpoints.Elsewhere()
                return
            kept.placement = self._world.launcher.place(kept.version, engine, self._held())
            order = Order(kept.id, found.deployment.name, kept.version, engine, kept.placement)
            kept.process = self._world.launcher.start(order)
        except ApplianceError as error:
            _logger.warning("engine cannot be started", deployment=found.deployment.name, reason=error.detail)
            again = RETRY_PLACE if isinstance(error, NoPlace) else RETRY_FAILED
            kept.course = fail(kept.course, clock.monotonic(), error.detail, again)

    def _held(self) -> dict[str, Held]:
        """What engines were promised and have not taken yet, and how many there are, for each device."""
        promised, engines = Counter[str](), Counter[str]()
        for found in self._fleets.values():
            for kept in found.kept:
                if kept.process is None:
                    continue
                engines.update(kept.placement.devices)
                if kept.course.phase is Phase.STARTING:
                    promised.update(dict.fromkeys(kept.placement.devices, kept.placement.memory))
        return {device: Held(promised[device], count) for device, count in engines.items()}
