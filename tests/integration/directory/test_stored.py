"""Settings of a directory that this version does not understand, as after a step back to it: told, and mended."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.drivers.broker import MemoryBell
from appliance.entry import handlers
from appliance.jobs.runner import Runner
from appliance.kit.settings import Settings
from appliance.tenants.directory import tasks
from tests.integration.directory.idp import PUBLIC
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk

OIDC = {"issuer": "https://login.example.com", "client_id": "a", "public_url": PUBLIC}
LDAP = {"host": "ldap.example.com", "bind_dn": "cn=a", "user_base": "ou=people", "bind_password": "s3cret"}
CODE = "directory_unreadable"


@pytest.fixture
def desk(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


def spoil(superuser: Engine, tenant: UUID, kind: str, more: str) -> None:
    with superuser.begin() as connection:
        spoilt = "update directories set settings = settings || cast(:more as jsonb) where tenant_id = :t and kind = :k"
        changed = connection.execute(text(spoilt), {"more": more, "t": tenant, "k": kind})
        assert changed.rowcount == 1


@pytest.mark.parametrize(("kind", "body"), [("oidc", OIDC), ("ldap", LDAP)])
@pytest.mark.parametrize("more", ['{"later": 1}', '{"roles": {"secret name": "root"}}', '{"groups": 7}'])
def test_it_is_told_without_its_values_and_mended(
    house: House, desk: Desk, superuser: Engine, kind: str, body: dict[str, str], more: str
) -> None:
    path = f"/{house.one}/directory/{kind}"
    assert desk("PUT", path, body)[0] == 200
    spoil(superuser, house.one, kind, more)
    for method, each in (("GET", path), ("POST", f"{path}/test")):
        status, told = desk(method, each, None if method == "GET" else {})
        assert (status, told["code"]) == (409, CODE), told
        assert told["members"] == [more.split('"')[1]]
        assert "secret name" not in str(told)
        assert "root" not in str(told)
    assert desk("PUT", path, body, if_match='"1"')[0] == 200
    assert desk("GET", path)[0] == 200
    spoil(superuser, house.one, kind, more)
    assert desk("DELETE", path)[0] == 204
    assert desk("PUT", path, body)[0] == 200


def test_who_signs_in_is_told_too(client: TestClient, house: House, desk: Desk, superuser: Engine) -> None:
    assert desk("PUT", f"/{house.one}/directory/oidc", OIDC)[0] == 200
    spoil(superuser, house.one, "oidc", '{"later": 1}')
    answer = client.get(f"/api/v1/oidc/{house.one}/start", follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (409, CODE)


@pytest.mark.parametrize("more", ['{"every_minutes": "often"}', '{"every_minutes": 1e300}', '{"later": 1}'])
def test_its_sync_fails_by_name_and_holds_nobody_else_s_up(
    client: TestClient, house: House, desk: Desk, superuser: Engine, databases: Databases, licensed: Settings, more: str
) -> None:
    for tenant in (house.one, house.two):
        assert desk("PUT", f"/{tenant}/directory/ldap", LDAP)[0] == 200
    spoil(superuser, house.one, "ldap", more)
    with databases.system.session() as session:
        assert tasks.due(session) == 2
        assert tasks.due(session) == 0
    with superuser.connect() as connection:
        kept = "select count(*) from directories where kind = 'ldap' and due_at > now()"
        assert connection.execute(text(kept)).scalar() == 2
    runner = Runner(
        system=databases.system,
        app=databases.app,
        registry=handlers.registry(lambda: licensed),
        bell=MemoryBell(),
        settings=licensed.jobs.model_copy(update={"attempts": 1}),
        owner="test",
    )
    runner.run_next()
    runner.run_next()
    (job,) = client.get("/api/v1/jobs", headers=House.bearer(house.admin_of_one)).json()["items"]
    assert (job["state"], job["error_code"]) == ("failed", CODE)
