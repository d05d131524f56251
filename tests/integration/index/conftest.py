"""An index host as a child process over this test's PostgreSQL."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.access.web import Databases
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.entry.index_generations import Generations
from appliance.kit import leash
from appliance.kit.children import Child, Log, spawn
from appliance.kit.settings import IndexSettings, Settings
from appliance.kit.wire import Client, WireDown, WireRefused
from tests.factories.corpus import Library

DIMENSIONS = 16
OPTIMISE_AFTER = 300
PATIENCE = 60.0
ROOT = Path(__file__).parents[3]


def until(what: str, holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Poll until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Index:
    """The index of one test: a host that can be killed and started again."""

    def __init__(self, settings: Settings, databases: Databases) -> None:
        self.settings = settings
        self.layout = settings.layout
        self.databases = databases
        self.generations = Generations(self.layout.index)
        self.line = Client(self.layout.index_socket, timeout=10)
        self.reader = RemoteVectors(self.line)
        self.host: Child | None = None

    def environment(self) -> dict[str, str]:
        index = self.settings.index
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "APPLIANCE_DATA": str(self.settings.data),
            "APPLIANCE_DATABASE__NAME": self.settings.database.name,
            "APPLIANCE_INDEX__DIMENSIONS": str(index.dimensions),
            "APPLIANCE_INDEX__OPTIMISE_AFTER": str(index.optimise_after),
            "APPLIANCE_INDEX__POLL_SECONDS": "0.2",
        }

    def start(self, *program: str) -> None:
        """Start a host; it need not be ready yet. ``program`` replaces ``-m appliance.entry.index``."""
        argv = [sys.executable, *(program or ("-m", "appliance.entry.index"))]
        log = Log(self.layout.log("index"))
        self.host = spawn(argv, name="index", env=self.environment(), log=log, grace=20)

    def kill(self) -> None:
        """What happens when the host is killed: SIGKILL, and its leashes do the rest."""
        assert self.host is not None
        os.kill(self.host.pid, 9)
        self.host.wait(20)

    def stop(self) -> None:
        if self.host is not None:
            self.host.stop(20)
        self.line.close()

    def status(self) -> dict[str, object] | None:
        """What the live shard says of itself, None while there is none."""
        try:
            status: dict[str, object] = self.line.call("status")
        except (WireDown, WireRefused):
            return None
        return status

    def live(self, generation: int | None = None) -> bool:
        """Whether a shard is live: any, or that generation."""
        status = self.status()
        wanted = None if generation is None else f"generation-{generation:06}"
        return status is not None and status["state"] == "live" and wanted in {None, status["generation"]}

    def equal(self, library: Library) -> bool:
        """Whether the tenant's points are exactly its chunks."""
        try:
            found = self.reader.ids(library.tenant, None, 100_000)
        except (WireDown, WireRefused):
            return False
        return len(found) == len(set(found)) and set(found) == library.chunks()

    def survivors(self) -> list[int]:
        """Processes of this index that still run."""
        mine = f"APPLIANCE_DATA={self.settings.data}".encode()
        found = []
        for pid in leash.processes():
            try:
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mine in variables:
                found.append(pid)
        return found

    def told(self) -> str:
        """The logs, for a failure's message."""
        return "\n".join(path.read_text() for path in sorted(self.layout.logs.glob("index*")))


@pytest.fixture
def index(settings: Settings, databases: Databases) -> Iterator[Index]:
    small = IndexSettings(dimensions=DIMENSIONS, optimise_after=OPTIMISE_AFTER, poll_seconds=0.2)
    made = Index(settings.model_copy(update={"index": small}), databases)
    yield made
    made.stop()


@pytest.fixture
def library(databases: Databases) -> Library:
    return Library(databases, DIMENSIONS)
