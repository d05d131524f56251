"""Tenants, users and groups over the API: who may, what is refused, and that an operator stays."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.principal import Role, UserId
from appliance.access.web import Databases
from appliance.kit.ids import uuid7
from appliance.tenants.service import Tenants
from appliance.tenants.settings import TenantSettings, settings_of
from tests.factories.processes import until
from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD, Desk, add, key_for, status_of


@pytest.fixture
def operator(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


@pytest.fixture
def admin(client: TestClient, house: House) -> Desk:
    return Desk(client, house.admin_of_one)


def test_a_tenant_from_its_making_to_its_return(operator: Desk) -> None:
    _, made = operator("POST", "", {"name": "north", "settings": {"time_zone": "Asia/Hong_Kong"}})
    assert (made["state"], made["version"], made["settings"]["time_zone"]) == ("active", 1, "Asia/Hong_Kong")
    path = f"/{made['id']}"
    assert operator("PATCH", path, {"name": "south"}) == (428, pytest.approx(operator("PATCH", path, {"name": "x"})[1]))
    status, changed = operator("PATCH", path, {"name": "south", "settings": {"contact": "Ann"}}, if_match='"1"')
    assert (status, changed["name"], changed["version"]) == (200, "south", 2)
    kept = {name: value for name, value in changed["settings"].items() if value is not None}
    assert kept == {"time_zone": "Asia/Hong_Kong", "contact": "Ann"}
    assert operator("PATCH", path, {"name": "late"}, if_match='"1"')[1]["code"] == "changed_meanwhile"
    assert operator("PATCH", path, {"name": "one"}, if_match='"2"')[1]["code"] == "name_taken"
    assert operator("POST", f"{path}/suspend")[1]["state"] == "suspended"
    assert [item["name"] for item in operator("GET", "?state=suspended")[1]["items"]] == ["south"]
    assert operator("POST", f"{path}/resume")[1]["state"] == "active"
    assert [item["id"] for item in operator("GET", "?name=south")[1]["items"]] == [made["id"]]
    assert operator("GET", path)[1]["version"] == 4


@pytest.mark.parametrize(
    "chosen",
    [
        {"time_zone": "Mars/Base"},
        {"time_zone": "../etc/passwd"},
        {"time_zone": 8},
        {"colour": "red"},
        {"languages": []},
        {"languages": ["en", "en"]},
        {"languages": ["tlh"]},
        {"require_totp": "yes"},
        {"require_totp": 1},
        {"contact": "a\nb"},
        {"keep_conversations_days": 0},
        {"keep_conversations_days": "30"},
    ],
)
def test_settings_that_mean_nothing_are_refused(operator: Desk, house: House, chosen: dict[str, object]) -> None:
    assert operator("POST", "", {"name": "north", "settings": chosen})[0] == 422
    assert operator("PATCH", f"/{house.one}", {"settings": chosen}, if_match='"1"')[0] == 422
    assert operator("GET", f"/{house.one}")[1]["version"] == 1


def test_a_setting_is_changed_alone_and_taken_away_by_null(operator: Desk, house: House, databases: Databases) -> None:
    chosen = {"time_zone": "Asia/Hong_Kong", "languages": ["zh-Hant", "en"], "require_totp": True}
    operator("PATCH", f"/{house.one}", {"settings": chosen}, if_match='"1"')
    operator("PATCH", f"/{house.one}", {"settings": {"time_zone": None}}, if_match='"2"')
    with databases.app.session(house.one) as session:
        found = settings_of(session, house.one)
        elsewhere = settings_of(session, house.two)
    assert (found.zone.key, found.languages, found.require_totp) == ("UTC", ["zh-Hant", "en"], True)
    assert elsewhere == TenantSettings()


def test_a_user_is_listed_changed_suspended_and_resumed(admin: Desk, house: House, client: TestClient) -> None:
    user = add(admin, house.one, "ann", password=PASSWORD)
    path = f"/{house.one}/users/{user['id']}"
    assert (user["role"], user["kind"], user["state"]) == ("member", "person", "active")
    assert admin("PATCH", path, {"role": "editor", "name": "Ann"}, if_match='"1"')[1]["role"] == "editor"
    assert admin("PATCH", path, {"role": "member"}, if_match='"1"')[0] == 412
    assert admin("PATCH", path, {"role": "member"})[0] == 428
    found = admin("GET", f"/{house.one}/users?role=editor&login=ann&kind=person&state=active")[1]["items"]
    assert [item["name"] for item in found] == ["Ann"]
    assert admin("PUT", f"{path}/password", {"password": "another " + PASSWORD}) == (204, None)
    sign_in = {"login": "ann", "password": "another " + PASSWORD}
    assert client.post("/api/v1/login", json=sign_in).status_code == 201
    assert admin("POST", f"{path}/suspend")[1]["state"] == "suspended"
    assert client.post("/api/v1/login", json=sign_in).status_code == 401
    assert admin("POST", f"{path}/resume")[1]["state"] == "active"
    assert client.post("/api/v1/login", json=sign_in).status_code == 201


def test_a_service_account_has_keys_and_no_password(admin: Desk, house: House, client: TestClient) -> None:
    robot = add(admin, house.one, "robot", kind="service", role="editor")
    path = f"/{house.one}/users/{robot['id']}/password"
    assert admin("PUT", path, {"password": PASSWORD})[1]["code"] == "service_has_no_password"
    body = {"login": "r2", "name": "r2", "kind": "service", "password": PASSWORD}
    assert admin("POST", f"/{house.one}/users", body)[1]["code"] == "service_has_no_password"
    assert status_of(client, key_for(admin, robot)["key"]) == 200


def test_an_administrator_reaches_neither_another_tenant_nor_a_role_of_the_appliance(
    admin: Desk, operator: Desk, house: House
) -> None:
    home = next(item for item in operator("GET", "?name=home")[1]["items"])["id"]
    boss = operator("GET", f"/{home}/users")[1]["items"][0]
    local = add(operator, UUID(home), "home admin", role="tenant_admin")
    here = Desk(admin._client, key_for(operator, local)["key"])
    path = f"/{home}/users/{boss['id']}"
    refused = [
        here("POST", f"/{home}/users", {"login": "x", "name": "x", "role": "operator"}),
        here("POST", f"/{home}/users", {"login": "x", "name": "x", "role": "auditor"}),
        here("PATCH", f"/{home}/users/{local['id']}", {"role": "operator"}, if_match="*"),
        here("PATCH", path, {"name": "x"}, if_match="*"),
        here("POST", f"{path}/suspend"),
        here("PUT", f"{path}/password", {"password": PASSWORD}),
        here("POST", f"{path}/keys", {"name": "mine"}),
        here("POST", "", {"name": "own"}),
        here("GET", ""),
    ]
    assert {status for status, _ in refused} == {403}
    for verb, end in (("GET", "/users"), ("POST", "/groups"), ("GET", "/keys")):
        foreign = admin(verb, f"/{house.two}{end}", {"name": "x"} if verb == "POST" else None)
        nowhere = admin(verb, f"/{uuid7()}{end}", {"name": "x"} if verb == "POST" else None)
        assert (foreign[0], foreign[1]["code"]) == (nowhere[0], nowhere[1]["code"]) == (404, "tenant_not_found")


def test_the_auditor_reads_people_of_every_tenant_changes_nothing_and_sees_no_content(
    operator: Desk, house: House, client: TestClient
) -> None:
    auditor = key_for(operator, add(operator, house.one, "auditor", role="auditor"))["key"]
    desk = Desk(client, auditor)
    for path in ("", f"/{house.two}", f"/{house.two}/users", f"/{house.two}/groups", f"/{house.two}/keys"):
        assert desk("GET", path)[0] == 200, path
    assert desk("POST", f"/{house.one}/users", {"login": "x", "name": "x"})[0] == 403
    assert desk("POST", f"/{house.two}/suspend")[0] == 403
    for path in ("/api/v1/documents", "/api/v1/collections", "/api/v1/conversations", "/v1/models"):
        assert status_of(client, auditor, path) == 403, path


def test_a_member_asks_and_reads_and_writes_nothing(admin: Desk, house: House, client: TestClient) -> None:
    headers = House.bearer(key_for(admin, add(admin, house.one, "ann"))["key"])
    assert client.get("/api/v1/documents", headers=headers).status_code == 200
    assert client.post("/api/v1/collections", json={"name": "x"}, headers=headers).status_code == 403
    assert client.get(f"/api/v1/tenants/{house.one}/users", headers=headers).status_code == 403


def _operators(databases: Databases, count: int) -> list[tuple[UUID, UUID, str]]:
    """So many operators and no other: tenant, id and key of each."""
    made = []
    with databases.operator.session() as session:
        session.execute(text("update users set state = 'suspended' where role = 'operator'"))
        for number in range(count):
            tenant = Tenants(session).create(f"t{number}").id
            people = Tenants(session).people(tenant)
            user = people.add(f"op{number}", "Op", Role.OPERATOR).id
            made.append((tenant, user, people.issue_key(UserId(user), "k")))
    return made


def test_the_last_active_operator_stays(client: TestClient, house: House, databases: Databases) -> None:
    ((tenant, user, key),) = _operators(databases, 1)
    desk = Desk(client, key)
    path = f"/{tenant}/users/{user}"
    add(desk, tenant, "robot", kind="service", role="operator")
    for told in (
        desk("POST", f"{path}/suspend"),
        desk("PATCH", path, {"role": "tenant_admin"}, if_match="*"),
        desk("POST", f"/{tenant}/suspend"),
    ):
        assert (told[0], told[1]["code"]) == (409, "last_operator")
    assert desk("GET", path)[1]["state"] == "active"
    add(desk, house.one, "second", role="operator")
    assert desk("POST", f"{path}/suspend")[0] == 200


@pytest.mark.parametrize("how", ["suspend", "demote", "suspend tenant"])
def test_of_two_who_each_take_away_the_other_one_is_refused(
    client: TestClient, house: House, databases: Databases, how: str
) -> None:
    pair = _operators(databases, 2)
    together = threading.Barrier(2)
    told: list[int] = []

    def act(key: str, tenant: UUID, user: UUID) -> None:
        together.wait()
        desk = Desk(client, key)
        acts: dict[str, Callable[[], tuple[int, Any]]] = {
            "suspend": lambda: desk("POST", f"/{tenant}/users/{user}/suspend"),
            "demote": lambda: desk("PATCH", f"/{tenant}/users/{user}", {"role": "member"}, if_match="*"),
            "suspend tenant": lambda: desk("POST", f"/{tenant}/suspend"),
        }
        told.append(acts[how]()[0])

    (t0, u0, k0), (t1, u1, k1) = pair
    for key in (k0, k1):
        assert status_of(client, key) == 200  # known already: so both get past the door
    threads = [threading.Thread(target=act, args=args) for args in ((k0, t1, u1), (k1, t0, u0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count(200) == 1, told
    assert set(told) <= {200, 401, 403, 409}
    with databases.operator.session() as session:
        left = text(
            "select count(*) from users u join tenants t on t.id = u.tenant_id "
            "where u.role = 'operator' and u.state = 'active' and t.state = 'active'"
        )
        assert session.execute(left).scalar_one() == 1


def test_groups_are_made_filled_renamed_and_deleted(admin: Desk, house: House, client: TestClient) -> None:
    status, board = admin("POST", f"/{house.one}/groups", {"name": "Board"})
    assert (status, board["members"]) == (201, 0)
    assert admin("POST", f"/{house.one}/groups", {"name": "Board"})[1]["code"] == "name_taken"
    ann = add(admin, house.one, "ann")
    key = key_for(admin, ann)["key"]
    path = f"/{house.one}/groups/{board['id']}"
    for _ in range(2):
        assert admin("PUT", f"{path}/members/{ann['id']}")[0] == 204
    assert admin("GET", path)[1]["members"] == 1
    found = admin("GET", f"/{house.one}/users?group={board['id']}")[1]["items"]
    assert [item["login"] for item in found] == ["ann"]
    assert client.get("/api/v1/me", headers=House.bearer(key)).json()["groups"] == [board["id"]]
    assert admin("PATCH", path, {"name": "Council"}, if_match='"1"')[1]["name"] == "Council"
    assert admin("PATCH", path, {"name": "Late"}, if_match='"1"')[0] == 412
    assert [item["id"] for item in admin("GET", f"/{house.one}/groups?name=Council")[1]["items"]] == [board["id"]]
    assert admin("PUT", f"{path}/members/{uuid7()}")[1]["code"] == "user_not_found"
    assert admin("DELETE", f"{path}/members/{uuid7()}")[1]["code"] == "user_not_found"
    for _ in range(2):
        assert admin("DELETE", f"{path}/members/{ann['id']}")[0] == 204
    assert admin("DELETE", path)[0] == 204
    assert admin("GET", path)[1]["code"] == "group_not_found"


def test_the_same_name_at_once_is_taken_once(admin: Desk, house: House) -> None:
    together, told = threading.Barrier(4), list[int]()

    def make() -> None:
        together.wait()
        told.append(admin("POST", f"/{house.one}/groups", {"name": "Board"})[0])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [201, 409, 409, 409]


def test_a_document_of_a_group_is_read_by_its_members_only(
    admin: Desk, house: House, client: TestClient, databases: Databases
) -> None:
    board = admin("POST", f"/{house.one}/groups", {"name": "Board"})[1]["id"]
    ann = add(admin, house.one, "ann")
    key = key_for(admin, ann)["key"]
    collection, document = uuid7(), uuid7()
    with databases.app.session(house.one) as session:
        values = {"t": house.one, "c": collection, "d": document, "r": [f"group:{board}"]}
        session.execute(text("insert into collections (id, tenant_id, name) values (:c, :t, 'c')"), values)
        columns = "id, tenant_id, collection_id, name, state, readers"
        insert = f"insert into documents ({columns}) values (:d, :t, :c, 'd', 'failed', :r)"  # noqa: S608 - ours
        session.execute(text(insert), values)
        columns = "id, tenant_id, document_id, number, sha256, bytes, text"
        insert = f"insert into revisions ({columns}) values (:c, :t, :d, 1, '', 1, 'x')"  # noqa: S608 - ours
        session.execute(text(insert), values)
    path, member = f"/api/v1/documents/{document}", f"/{house.one}/groups/{board}/members/{ann['id']}"
    assert status_of(client, key, path) == 404
    for verb, expected in (("PUT", 200), ("DELETE", 404)):
        assert admin(verb, member)[0] == 204
        until(lambda expected=expected: status_of(client, key, path) == expected, 2)  # type: ignore[misc] # bound now
