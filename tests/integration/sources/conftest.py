"""The whole web application, a runner of the jobs of sources and of forgetting, and a folder that may be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.drivers.broker import MemoryBell
from appliance.entry import web
from appliance.jobs.registry import Registry
from appliance.jobs.runner import Runner
from appliance.kit.settings import Settings, SourceSettings
from appliance.knowledge import connect
from appliance.knowledge.documents import FORGET
from appliance.knowledge.forgetting import Forget
from appliance.knowledge.sources import tasks
from tests.integration.sources.works import STABLE, Works
from tests.integration.web.conftest import House, house, housed, roomy, template

__all__ = ["house", "housed", "template"]


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A directory that the operator allows to tenant one."""
    share = tmp_path / "share"
    share.mkdir()
    return share


@pytest.fixture
def configured(settings: Settings, databases: Databases, share: Path) -> Settings:
    sources = SourceSettings(folders={str(share): ["one"]}, stable_seconds=STABLE)
    return roomy(settings, databases).model_copy(update={"sources": sources})


@pytest.fixture
def client(configured: Settings) -> Iterator[TestClient]:
    with TestClient(web.build(configured), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def runner(configured: Settings, databases: Databases, client: TestClient) -> Runner:
    registry = Registry()
    tasks.register(registry, lambda: client.app.state.settings)  # type: ignore[attr-defined] # Starlette's application
    blobs = connect.blobs(configured)
    registry.add(FORGET, lambda run: Forget(run, blobs, (tasks.forget_document,)).document())
    return Runner(databases.system, databases.app, registry, MemoryBell(), configured.jobs, "test")


@pytest.fixture
def works(client: TestClient, house: House, runner: Runner, configured: Settings) -> Works:
    return Works(client, house, runner, configured)
