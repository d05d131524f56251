"""The web application on a store of tiny models, with a base that adapters fit."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.catalog.service import Catalog
from appliance.entry import web
from appliance.kit import clock
from appliance.kit.settings import EncoderSettings, EngineSettings, LicensingSettings, Settings
from tests.factories import lora, models
from tests.factories.licences import Vendor, terms
from tests.integration.catalog.works import Works
from tests.integration.web.conftest import House, house, housed, template
from tests.integration.web.test_people_cli import cli, url

__all__ = ["House", "cli", "house", "housed", "template", "url"]

VENDOR = Vendor()


@pytest.fixture
def stocked(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a store of two tiny models."""
    return settings.model_copy(
        update={
            "models": models.store(tmp_path / "models"),
            "encoder": EncoderSettings(model=models.ENCODER),
            "engine": EngineSettings(model=models.LANGUAGE),
            "licensing": LicensingSettings(root=VENDOR.pin(tmp_path)),
        }
    )


@pytest.fixture
def client(stocked: Settings) -> Iterator[TestClient]:
    with TestClient(web.build(stocked), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def base(stocked: Settings, databases: Databases) -> UUID:
    """A registered model version that adapters fit."""
    with databases.operator.session() as session:
        return Catalog(session).register(lora.base(stocked.model_store)).id


@pytest.fixture
def licensed(client: TestClient, house: House) -> None:
    """A licence for five tenants and eight adapters is in force."""
    file = VENDOR.licence(**terms(int(clock.now().timestamp()))).decode()
    answer = client.post("/api/v1/licence", json={"file": file}, headers=House.bearer(house.operator))
    assert answer.status_code == 201, answer.text


@pytest.fixture
def works(client: TestClient, databases: Databases, stocked: Settings, house: House) -> Works:
    return Works(client, databases, stocked, house.operator)
