"""The whole web application with two tenants, and a SCIM token of each."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit.settings import Settings
from tests.integration.directory.entra import Scim
from tests.integration.web.conftest import House, house, roomy

__all__ = ["house"]


@pytest.fixture
def licensed(settings: Settings, databases: Databases) -> Settings:
    return roomy(settings, databases)


@pytest.fixture
def client(licensed: Settings) -> Iterator[TestClient]:
    with TestClient(web.build(licensed), raise_server_exceptions=False) as client:
        yield client


def token(client: TestClient, house: House, tenant: UUID) -> str:
    answer = client.post(
        f"/api/v1/tenants/{tenant}/directory/scim/tokens", headers=House.bearer(house.operator), json={"name": "Entra"}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


@pytest.fixture
def scim(client: TestClient, house: House) -> Scim:
    return Scim(client, token(client, house, house.one))
