"""A small model store, an engine host whose engines are scripted, and the web process on a port of its own."""

import socket
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import uvicorn
from sqlalchemy import update
from sqlalchemy.orm import Session

from appliance.access.principal import Principal, Role, UserId
from appliance.access.web import Databases
from appliance.catalog.adapters import Adapter
from appliance.drivers.vllm.arguments import EngineSettings as Engine
from appliance.entry import web
from appliance.kit.settings import EncoderSettings, EngineSettings, Settings
from appliance.serving import bootstrap
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.host import Host, Timing, World
from appliance.serving.launch import ChildLauncher, Launcher
from appliance.serving.tables import DeploymentRow
from appliance.tenants import bootstrap as people
from appliance.tenants.authentication import Authenticator
from appliance.tenants.service import Tenants
from tests.factories import models


@pytest.fixture
def served(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a store of tiny models and a scripted engine."""
    engine = EngineSettings(
        model=models.LANGUAGE, program="appliance.drivers.vllm.scripted", start_seconds=30, poll_seconds=0.05
    )
    store = models.store(tmp_path / "models")
    return settings.model_copy(
        update={"models": store, "encoder": EncoderSettings(model=models.ENCODER), "engine": engine}
    )


def settle(session: Session, **columns: object) -> None:
    """Change the one deployment as an operator would."""
    session.execute(update(DeploymentRow).values(**columns))


@pytest.fixture
def deployed(served: Settings, databases: Databases) -> Databases:
    """Models registered, one deployment that takes two requests at once, two routes."""
    with databases.operator.session() as session:
        bootstrap.ensure(session, served)
        settle(session, engine=Engine(sequences=2, queue=0, drain_seconds=2).to_json())
    return databases


SETTLE, LINGER = 1.5, 3.0
"""A gateway's snapshot is a second old at most."""


class Engines:
    """The engine host of a test, and what the rows say of it."""

    def __init__(self, settings: Settings, databases: Databases) -> None:
        self.settings = settings
        self.databases = databases
        self.adapters: dict[UUID, Adapter] = {}
        self.elsewhere: dict[str, list[str]] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """A host in a thread; its engines are drained at the end."""
        stop = threading.Event()
        launcher = ChildLauncher(self.settings, self.databases.system)
        launcher.clear()
        host = Host(self.world(launcher), Timing(self.settings.engine.start_seconds, SETTLE, LINGER))
        thread = threading.Thread(target=host.run, args=(stop, self.settings.engine.poll_seconds))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def world(self, launcher: Launcher) -> World:
        """What a host rests on."""
        return World(self.databases.system, launcher, self.settings.layout, self.known, elsewhere=self.elsewhere)

    def known(self, _session: Session, ids: Collection[UUID]) -> dict[UUID, Adapter]:
        """The adapters of this test."""
        return {key: self.adapters[key] for key in ids if key in self.adapters}

    def row(self) -> Deployment:
        """The one deployment."""
        with self.databases.app.session() as session:
            return Deployments(session).all()[0]

    def until(self, actual: str, seconds: float = 40.0) -> Deployment:
        """Poll until the deployment is in this state."""
        deadline = time.monotonic() + seconds
        while (row := self.row()).actual != actual:
            assert time.monotonic() < deadline, f"{row.actual}: {row.reason}"
            time.sleep(0.02)
        return row


@pytest.fixture
def engines(served: Settings, deployed: Databases) -> Engines:
    return Engines(served, deployed)


@pytest.fixture
def engine(engines: Engines) -> Iterator[Deployment]:
    """A running engine."""
    with engines.running():
        yield engines.until("running")


@dataclass(frozen=True, slots=True)
class Gateway:
    """A web process with the keys of two members."""

    url: str
    one: str
    two: str
    principal: Principal

    def client(self, key: str | None = None) -> httpx.Client:
        """A client that carries a key."""
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {key or self.one}"}, timeout=30)


@pytest.fixture
def gateway(served: Settings, deployed: Databases) -> Iterator[Gateway]:
    with deployed.operator.session() as session:
        people.first_start(session)
        keys = []
        for name in ("one", "two"):
            members = Tenants(session).people(Tenants(session).create(name).id)
            user = members.add(f"member of {name}", "Member", Role.MEMBER)
            keys.append(members.issue_key(UserId(user.id), "test"))
    principal = Authenticator(deployed.system)(keys[0])
    with serving(served) as url:
        yield Gateway(url, keys[0], keys[1], principal)


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The web process in a thread, on a port that the kernel chose."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(web.build(settings), log_config=None, timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)
