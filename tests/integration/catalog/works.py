"""What the tests of importing and pulling share: an operator at the API and a worker of one process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.catalog import importing, tasks
from appliance.drivers.broker import MemoryBell
from appliance.jobs.registry import Registry
from appliance.jobs.runner import Runner
from appliance.kit.settings import JobSettings, Settings
from tests.factories import models
from tests.integration.web.conftest import House

PATH = "/api/v1/models"


class Works:
    """An operator at the API, and a worker of one process that runs what was asked for."""

    def __init__(self, client: TestClient, databases: Databases, settings: Settings, key: str) -> None:
        self.client = client
        self.databases = databases
        self.settings = settings
        self.headers = House.bearer(key)

    def ask(self, path: Path | str, name: str | None = "tiny", **more: object) -> httpx2.Response:
        """The answer to asking for an import."""
        body = {"path": str(path), "name": name, **more}
        return self.client.post(f"{PATH}/import", json=body, headers=self.headers)

    def work(self) -> None:
        """Run the job whose turn it is."""
        registry = Registry()
        tasks.register(registry, lambda: self.settings)
        pools = self.databases
        runner = Runner(pools.system, pools.app, registry, MemoryBell(), JobSettings(attempts=3), "test")
        assert runner.run_next() is not None

    def bring(self, path: Path | str, name: str | None = "tiny", **more: object) -> dict[str, Any]:
        """The job, ended."""
        answer = self.ask(path, name, **more)
        assert answer.status_code == 202, answer.text
        self.work()
        found = self.client.get(f"/api/v1/jobs/{answer.json()['id']}", headers=self.headers)
        return dict(found.json())

    def model(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The version that a job brought."""
        assert job["state"] == "succeeded", job
        return dict(self.client.get(f"{PATH}/{job['result']['model']}", headers=self.headers).json())

    def left(self) -> list[str]:
        """What the store holds besides the models that were there."""
        names = {path.name for path in self.settings.model_store.iterdir()}
        return sorted(names - {models.LANGUAGE, models.ENCODER, importing.WORK})
