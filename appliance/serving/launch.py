"""Starting an engine: its weights checked, its arguments computed, its processes on a leash."""

from pathlib import Path
from typing import Protocol
from uuid import UUID

from appliance.catalog.service import Catalog, ModelVersion, inspect
from appliance.catalog.verify import Tampered, fingerprint
from appliance.drivers.vllm.arguments import command, parse
from appliance.drivers.vllm.port import Process
from appliance.drivers.vllm.surroundings import survey
from appliance.kit import crypto, log
from appliance.kit.children import ChildNotStarted, spawn
from appliance.kit.database import Database
from appliance.kit.errors import Broken
from appliance.kit.leftovers import Leftovers
from appliance.kit.settings import Settings
from appliance.serving.adapters import engine_name
from appliance.serving.deployments import Deployment

KEY = "engine-key"
NAMES = "engine-*"
_logger = log.get(__name__)


class Launcher(Protocol):
    """Starts and forgets engines."""

    def start(self, deployment: Deployment) -> Process:
        """Start one. Raises :class:`appliance.kit.errors.ApplianceError` when it cannot be started as it is."""
        ...

    def ended(self, deployment: UUID) -> None:
        """All of its processes are gone."""
        ...


def name(deployment: UUID) -> str:
    """What its processes, its record and its log are called."""
    return f"engine-{deployment.hex[-12:]}"


def cache(store: Path) -> Path:
    """Where engines keep what they compiled: beside the model store, so that a new data directory need not compile."""
    return store.parent / "vllm"


class ChildLauncher:
    """Engines as children of this process."""

    def __init__(self, settings: Settings, system: Database) -> None:
        self._settings = settings
        self._system = system
        self._layout = settings.layout
        self._leftovers = Leftovers(settings.layout.run)
        self._checked: dict[Path, object] = {}

    def clear(self) -> None:
        """End what a killed predecessor left behind: its engines hold gigabytes, and the sockets."""
        cleared = self._leftovers.clear(NAMES)
        if cleared:
            _logger.warning("cleared engines of a former run", pids=cleared)

    def start(self, deployment: Deployment) -> Process:
        """Check the weights, compute the arguments, start."""
        self._check(deployment.version)
        socket = self._layout.engine_socket(deployment.id)
        socket.unlink(missing_ok=True)
        store = cache(self._settings.model_store)
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = survey(
            model=deployment.version.directory,
            names=(engine_name(deployment.version.name, deployment.version.digest),),
            socket=socket,
            cache=store,
            key=crypto.kept(self._layout.secret(KEY)),
            program=self._settings.engine.program,
        )
        engine = parse(deployment.engine)
        found = command(engine, place)
        called = name(deployment.id)
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
        _logger.info("engine started", deployment=deployment.name, pid=child.pid)
        return child

    def ended(self, deployment: UUID) -> None:
        """Remove its record and its socket."""
        self._leftovers.forget(name(deployment))
        self._layout.engine_socket(deployment).unlink(missing_ok=True)

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
