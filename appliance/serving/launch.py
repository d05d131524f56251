"""Starting an engine: licence and weights checked, a place found, arguments computed, its processes on a leash."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from appliance.catalog.service import Catalog, ModelVersion, inspect
from appliance.catalog.verify import Tampered, fingerprint
from appliance.drivers import devices
from appliance.drivers.devices import Device
from appliance.drivers.vllm.arguments import EngineSettings, command, settled, temporary
from appliance.drivers.vllm.port import Process
from appliance.drivers.vllm.surroundings import survey
from appliance.kit import crypto, log
from appliance.kit.children import ChildNotStarted, spawn
from appliance.kit.database import Database
from appliance.kit.errors import Broken
from appliance.kit.leftovers import Leftovers
from appliance.kit.settings import Settings
from appliance.licensing.entitlement import Entitlement
from appliance.licensing.errors import NotLicensed
from appliance.serving.adapters import engine_name
from appliance.serving.errors import NoPlace
from appliance.serving.placement import Demand, Held, Placement, place

KEY = "engine-key"
NAMES = "engine-*"
_OWN_SOCKET: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""How vLLM calls the sockets between an engine's processes; one that is killed leaves them."""
_logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """An engine to be started: ``replica`` names its socket, its log and its record."""

    replica: UUID
    deployment: str
    version: ModelVersion
    engine: EngineSettings
    placement: Placement
    address: str | None = None


class Launcher(Protocol):
    """Starts and forgets engines."""

    def place(self, version: ModelVersion, engine: EngineSettings, held: Mapping[str, Held]) -> Placement:
        """Where an engine could run. Raises :class:`NoPlace` with the reasons."""
        ...

    def start(self, order: Order) -> Process:
        """Start one. Raises :class:`appliance.kit.errors.ApplianceError` when it cannot be started as it is."""
        ...

    def ended(self, replica: UUID) -> None:
        """All of its processes are gone."""
        ...


def name(replica: UUID) -> str:
    """What its processes, its record and its log are called."""
    return f"engine-{replica.hex[-12:]}"


def cache(store: Path) -> Path:
    """Where engines keep what they compiled: beside the model store, so that a new data directory need not compile."""
    return store.parent / "vllm"


class ChildLauncher:
    """Engines as children of this process. ``entitled``: what the licence allows now, None where nobody asks it."""

    def __init__(
        self,
        settings: Settings,
        system: Database,
        entitled: Callable[[], Entitlement] | None = None,
        look: Callable[[], tuple[Device, ...]] = devices.survey,
    ) -> None:
        self._settings = settings
        self._system = system
        self._entitled = entitled
        self._look = look
        self._layout = settings.layout
        self._leftovers = Leftovers(settings.layout.run)
        self._bfloat16 = devices.bfloat16()
        self._checked: dict[Path, object] = {}

    def clear(self) -> None:
        """End what a killed predecessor left behind: its engines hold gigabytes, and the sockets."""
        cleared = self._leftovers.clear(NAMES)
        for path in self._layout.run.glob("*-*-*-*-*"):
            if _OWN_SOCKET.fullmatch(path.name):
                path.unlink(missing_ok=True)
        if cleared:
            _logger.warning("cleared engines of a former run", pids=cleared)

    def place(self, version: ModelVersion, engine: EngineSettings, held: Mapping[str, Held]) -> Placement:
        """On the devices of this host."""
        found = place(Demand.of(settled(engine, bfloat16=self._bfloat16), version.bytes), self._look(), held)
        if not found.devices:
            raise NoPlace(f"there is no place for it: {'; '.join(found.reasons)}")
        return found

    def start(self, order: Order) -> Process:
        """Check licence and weights, compute the arguments, start."""
        version, engine = order.version, settled(order.engine, bfloat16=self._bfloat16)
        if self._entitled is not None and not self._entitled().allows_model(version.digest):
            raise NotLicensed(f"the licence does not name {version.name}, version {version.digest[:12]}")
        version.require_active()
        self._check(version)
        socket = self._layout.engine_socket(order.replica)
        socket.unlink(missing_ok=True)
        self._layout.engine_warm(order.replica).unlink(missing_ok=True)  # of a host that was killed
        store = cache(self._settings.model_store)
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary(store).mkdir(mode=0o700, exist_ok=True)
        temporary(store).chmod(0o700)  # raises where another user made it
        where = survey(
            model=version.directory,
            names=(engine_name(version.name, version.digest),),
            socket=socket,
            cache=store,
            key=crypto.kept(self._layout.secret(KEY)),
            program=self._settings.engine.program,
            devices=order.placement.indices,
        )
        found = command(engine, replace(where, tools=version.tool_parser))
        called = name(order.replica)
        try:
            child = spawn(
                found.argv,
                name=called,
                env=found.env,
                cwd=self._layout.run,
                log=self._layout.log(called),
                grace=engine.drain_seconds + 5,
            )
        except ChildNotStarted as error:
            raise Broken(str(error)) from error
        self._leftovers.record(child.trace)
        _logger.info("engine started", deployment=order.deployment, pid=child.pid)
        return child

    def ended(self, replica: UUID) -> None:
        """Remove its record and its socket."""
        self._leftovers.forget(name(replica))
        self._layout.engine_socket(replica).unlink(missing_ok=True)

    def _check(self, version: ModelVersion) -> None:
        """Read every byte, unless nothing has touched the files since this process last did."""
        seen = fingerprint(version.directory)
        if seen and self._checked.get(version.directory) == seen:
            return
        finding = inspect(version)
        with self._system.session() as session:
            Catalog(session).record(version.id, finding)
        if finding.state != "verified":
            raise Tampered(finding.reason or finding.state)
        self._checked[version.directory] = seen
