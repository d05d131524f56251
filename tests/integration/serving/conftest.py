"""A small model store, an engine host whose engines are scripted, and the web process on a port of its own."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.access.web import Databases
from appliance.audit.service import Audit
from appliance.catalog.activation import Consent
from appliance.catalog.adapters import Adapter, Adapters, Allowance
from appliance.catalog.service import Catalog, ModelVersion
from appliance.catalog.shelf import Shelf, Upload
from appliance.drivers.vllm.arguments import EngineSettings as Engine
from appliance.entry import web
from appliance.kit.settings import EncoderSettings, EngineSettings, Settings
from appliance.licensing.entitlement import Entitlement, entitled
from appliance.licensing.states import Standing, State
from appliance.serving import adapters, bootstrap
from appliance.serving.deployments import Deployment, Deployments
from appliance.serving.host import Host, Timing, World
from appliance.serving.launch import ChildLauncher, Launcher
from appliance.serving.routes import Route, Routes
from appliance.serving.tables import DeploymentRow
from appliance.tenants import bootstrap as people
from appliance.tenants.authentication import Authenticator
from appliance.tenants.service import Tenants
from tests.factories import lora, models
from tests.factories.serving import listening


@pytest.fixture
def served(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a store of tiny models and a scripted engine."""
    engine = EngineSettings(
        model=models.LANGUAGE, program="appliance.drivers.vllm.scripted", start_seconds=30, poll_seconds=0.15
    )
    store = models.store(tmp_path / "models")
    return settings.model_copy(
        update={"models": store, "encoder": EncoderSettings(model=models.ENCODER), "engine": engine}
    )


def settle(session: Session, **columns: object) -> None:
    """Change the one deployment as an operator would."""
    session.execute(update(DeploymentRow).values(**columns))


def activated(session: Session) -> None:
    """Accept the licences of all weights, which are a test's own."""
    catalog = Catalog(session)
    for version in catalog.list(None, 100).items:
        catalog.activate(version.id, Consent(None, accepts=True, override="a test made these weights"))


@pytest.fixture
def deployed(served: Settings, databases: Databases) -> Databases:
    """Models registered, one deployment that takes two requests at once, two routes."""
    with databases.operator.session() as session:
        bootstrap.ensure(session, served)
        settle(session, engine=Engine(sequences=2, queue=0, drain_seconds=2).to_json())
        activated(session)
    return databases


EVALUATION = entitled(Standing(State.EVALUATION, State.EVALUATION, None), None)
SETTLE, LINGER = 1.5, 1.0
"""A gateway's snapshot is a second old at most."""


class Engines:
    """The engine host of a test, and what the rows say of it."""

    def __init__(self, settings: Settings, databases: Databases) -> None:
        self.settings = settings
        self.databases = databases
        self.elsewhere: dict[str, list[str]] = {}
        self.entitled: Callable[[], Entitlement] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """A host in a thread; its engines are drained at the end."""
        stop = threading.Event()
        launcher = ChildLauncher(self.settings, self.databases.system, self.entitled)
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
        system, known = self.databases.system, adapters.of(self.settings)
        return World(system, launcher, self.settings.layout, known, adapters.checked(system), self.elsewhere)

    def row(self, name: str = models.LANGUAGE) -> Deployment:
        """The deployment of this name."""
        with self.databases.app.session() as session:
            return next(one for one in Deployments(session).all() if one.name == name)

    def route(self, name: str) -> Route:
        """The route of this name."""
        with self.databases.system.session() as session:
            return Routes(session).one(name)

    def version(self, name: str) -> ModelVersion:
        """Another model version, put into the store and registered: one that adapters fit."""
        with self.databases.operator.session() as session:
            version = Catalog(session).register(lora.base(self.settings.model_store, name))
            activated(session)
            return version

    def adapter(self, tenant: UUID, base: UUID, name: str, fill: bytes) -> Adapter:
        """An adapter of a tenant, imported."""
        with self.databases.app.session() as session:
            named = Catalog(session).one(base).name
        scratch = Path(tempfile.mkdtemp(dir=self.settings.data)) / "adapter"
        found = lora.adapter(scratch, fill=fill, base_model_name_or_path=named)
        shelf = Shelf(self.settings.layout.adapters)
        files = {"config": found / "adapter_config.json", "weights": found / "adapter_model.safetensors"}
        with (
            files["config"].open("rb") as config,
            files["weights"].open("rb") as weights,
            self.databases.operator.session() as session,
        ):
            upload, allowance = Upload(config, weights, 1 << 20), Allowance(EVALUATION, lambda: 0)
            audit = Audit(session, tenant, None)
            return Adapters(session, TenantId(tenant), shelf).add(name, base, upload, allowance, audit)

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
    operator: str
    tenants: tuple[UUID, UUID]

    def client(self, key: str | None = None) -> httpx.Client:
        """A client that carries a key, the first member's unless another is given."""
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {key or self.one}"}, timeout=30)


@pytest.fixture
def gateway(served: Settings, deployed: Databases) -> Iterator[Gateway]:
    with deployed.operator.session() as session:
        made = people.first_start(session)
        assert made is not None
        keys, tenants = [], []
        for name in ("one", "two"):
            tenants.append(Tenants(session).create(name).id)
            members = Tenants(session).people(tenants[-1])
            user = members.add(f"member of {name}", "Member", Role.MEMBER)
            keys.append(members.issue_key(UserId(user.id), "test"))
    principal = Authenticator(deployed.system)(keys[0])
    with serving(served) as url:
        yield Gateway(url, keys[0], keys[1], principal, made.cli_key, (tenants[0], tenants[1]))


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The web process in a thread, on a port that the kernel chose."""
    server = web.server(web.build(settings), settings)
    with listening(server) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)
