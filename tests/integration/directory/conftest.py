"""The whole web application with two tenants, and a SCIM token of each."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.drivers.broker import MemoryBell
from appliance.entry import handlers, web
from appliance.jobs.runner import Runner
from appliance.kit.settings import Settings
from tests.factories import slapd
from tests.factories.slapd import Slapd
from tests.integration.directory.entra import Scim
from tests.integration.directory.works import Sync
from tests.integration.web.conftest import House, house, housed, roomy, template
from tests.integration.web.desk import Desk

__all__ = ["house", "housed", "template"]


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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd.running(tmp_path_factory.mktemp("ldap")) as server:
        yield server


@pytest.fixture
def directory(server: Slapd) -> Iterator[Slapd]:
    """Ann, Bob and Cy; Ann and Bob in the group works. Emptied afterwards."""
    people = [("ann", "Ann Lee"), ("bob", "Bob Ode"), ("cy", "Cy Ray")]
    server.add("".join(slapd.person(uid, name, f"{uid}'s word") for uid, name in people))
    server.add(slapd.group("works", "ann", "bob"))
    yield server
    server.clear()


@pytest.fixture
def desk(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


@pytest.fixture
def runner(licensed: Settings, databases: Databases) -> Runner:
    return Runner(
        system=databases.system,
        app=databases.app,
        registry=handlers.registry(lambda: licensed),
        bell=MemoryBell(),
        settings=licensed.jobs,
        owner="test",
    )


@pytest.fixture
def sync(desk: Desk, house: House, runner: Runner, client: TestClient) -> Sync:
    def once() -> dict[str, Any]:
        status, asked = Desk(client, house.admin_of_one)("POST", f"/{house.one}/directory/ldap/sync", {})
        assert status == 202, asked
        runner.run_next()
        answer = client.get(f"/api/v1/jobs/{asked['job']}", headers=House.bearer(house.admin_of_one)).json()
        assert answer["state"] == "succeeded", answer
        return dict(answer["result"])

    return once
