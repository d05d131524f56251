"""What a SCIM token is good for, whose resources it sees, and what is written down."""

import pytest
from starlette.testclient import TestClient

from tests.factories.processes import until
from tests.integration.directory.conftest import token
from tests.integration.directory.entra import ERROR, SOON, USER, Scim
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, status_of


@pytest.fixture
def desk(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


def test_a_scim_token_is_good_for_scim_alone_and_nothing_else_is_good_for_scim(
    scim: Scim, client: TestClient, house: House, desk: Desk
) -> None:
    for path in ("/api/v1/tenants", f"/api/v1/tenants/{house.one}/users", "/api/v1/collections", "/api/v1/jobs"):
        assert status_of(client, scim.key, path) == 403
    for key in (house.operator, house.admin_of_one, house.member_of_one):
        answer = Scim(client, key)("GET", "/Users")
        assert (answer.status_code, answer.json()["schemas"], answer.json()["status"]) == (403, [ERROR], "403")
    unknown = Scim(client, "sk-nobody's")("GET", "/Users")
    assert (unknown.status_code, unknown.json()["schemas"]) == (401, [ERROR])
    admin = Desk(client, house.admin_of_one)
    assert admin("POST", f"/{house.one}/directory/scim/tokens", {})[0] == 201
    assert admin("POST", f"/{house.two}/directory/scim/tokens", {})[0] == 404
    assert Desk(client, house.member_of_one)("POST", f"/{house.one}/directory/scim/tokens", {})[0] == 403
    _, keys = desk("GET", f"/{house.one}/keys")
    (first,) = (each for each in keys["items"] if each["name"] == "Entra")
    assert first["scopes"] == ["provision_users"]
    desk("DELETE", f"/{house.one}/keys/{first['id']}")
    until(lambda: scim("GET", "/Users").status_code == 401, SOON)


def test_another_tenant_s_users_and_groups_do_not_exist(scim: Scim, client: TestClient, house: House) -> None:
    other = Scim(client, token(client, house, house.two))
    user, group = other.user("theirs", externalId="9")["id"], other.group("Theirs")["id"]
    for path in (f"/Users/{user}", f"/Groups/{group}"):
        assert scim("GET", path).status_code == 404
        assert scim("DELETE", path).status_code == 404
        assert scim.patch(path, {"op": "replace", "path": "displayName", "value": "mine"}).status_code == 404
    assert scim.found("Users", 'externalId eq "9"') == scim.found("Groups", 'displayName eq "Theirs"') == []
    assert scim("GET", "/Users").json()["totalResults"] == 0
    assert other("GET", f"/Users/{user}").json()["userName"] == "theirs"


def test_what_a_directory_does_and_is_refused_is_in_the_audit(scim: Scim, client: TestClient, house: House) -> None:
    ann = scim.user("ann")["id"]
    scim.group("Board", ann)
    scim("POST", "/Users", {"schemas": [USER], "userName": "ann"})
    scim("DELETE", f"/Users/{ann}")
    entries = client.get("/api/v1/audit", params={"limit": 100}, headers=House.bearer(house.operator)).json()["items"]
    told = [(entry["action"], entry["outcome"]) for entry in entries if entry["tenant_id"] == str(house.one)]
    for wanted in (
        ("user.create", "done"),
        ("group.add_member", "done"),
        ("POST /scim/v2/Users", "refused"),
        ("user.suspend", "done"),
        ("directory.release", "done"),
    ):
        assert wanted in told
