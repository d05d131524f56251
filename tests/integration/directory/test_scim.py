"""SCIM 2.0 as Entra and Okta speak it, and what it may not do."""

from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.tenants.service import Tenants
from tests.factories.processes import until
from tests.integration.directory.conftest import token
from tests.integration.directory.entra import ENTERPRISE, ERROR, GROUP, SOON, USER, Scim
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, add, key_for, status_of


@pytest.fixture
def desk(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


def test_entra_s_round_create_match_change_deactivate(scim: Scim, client: TestClient, house: House, desk: Desk) -> None:
    assert scim.found("Users", 'userName eq "ann@corp.example"') == []
    ann = scim.user(
        "Ann@corp.example",
        externalId="58342554",
        active=True,
        displayName="Ann Lee",
        emails=[{"primary": True, "type": "work", "value": "ann@corp.local"}],
        name={"formatted": "Ann Lee", "familyName": "Lee", "givenName": "Ann"},
        schemas=[USER, ENTERPRISE],
        title="Head of Works",
        **{ENTERPRISE: {"department": "Works"}},
    )
    assert "title" not in ann
    assert ann["emails"] == [{"primary": True, "type": "work", "value": "ann@corp.local"}]
    assert [found["id"] for found in scim.found("Users", 'userName eq "ann@CORP.example"')] == [ann["id"]]
    assert [found["id"] for found in scim.found("Users", 'externalId eq "58342554"')] == [ann["id"]]
    _, user = desk("GET", f"/{house.one}/users/{ann['id']}")
    assert (user["login"], user["name"], user["role"], user["kind"]) == (
        "Ann@corp.example",
        "Ann Lee",
        "member",
        "person",
    )
    key = key_for(desk, user)["key"]
    until(lambda: status_of(client, key) == 200, SOON)

    path = f"/Users/{ann['id']}"
    entra = {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "lee@corp.example"}
    without_path = {"op": "Replace", "value": {"displayName": "Ann B. Lee", "name.familyName": "B. Lee"}}
    added = {"op": "Add", "path": 'emails[type eq "home"].value', "value": "ann@home.example"}
    assert scim.patch(path, entra, without_path, added).status_code == 204
    told = scim("GET", path).json()
    assert told["displayName"] == "Ann B. Lee"
    assert told["name"]["familyName"] == "B. Lee"
    assert {email["value"] for email in told["emails"]} == {"lee@corp.example", "ann@home.example"}

    assert scim.patch(path, {"op": "Replace", "path": "active", "value": "False"}).status_code == 204
    assert scim("GET", path).json()["active"] is False
    until(lambda: status_of(client, key) == 401, SOON)
    assert scim.patch(path, {"op": "Replace", "path": "active", "value": "True"}).status_code == 204
    until(lambda: status_of(client, key) == 200, SOON)


def test_okta_s_round_put_and_deactivate_by_put(scim: Scim, client: TestClient, house: House, desk: Desk) -> None:
    bob = scim.user("bob@corp.example", name={"givenName": "Bob", "familyName": "Ode"}, active=True, password="unasked")
    assert "password" not in bob
    put = {
        "schemas": [USER],
        "id": bob["id"],
        "userName": "bob.ode@corp.example",
        "name": {"givenName": "Bob", "familyName": "Ode"},
        "active": True,
        "meta": {"resourceType": "User"},
    }
    answer = scim("PUT", f"/Users/{bob['id']}", put)
    assert (answer.status_code, answer.json()["userName"]) == (200, "bob.ode@corp.example")
    key = key_for(desk, {"tenant_id": house.one, "id": bob["id"]})["key"]
    assert scim("PUT", f"/Users/{bob['id']}", {**put, "active": False}).json()["active"] is False
    until(lambda: status_of(client, key) == 401, SOON)
    del put["active"]
    assert scim("PUT", f"/Users/{bob['id']}", put).status_code == 200
    assert status_of(client, key) == 401, "leaving active out lets nobody in again"


def test_groups_give_and_take_by_every_way_of_patching(scim: Scim, house: House, desk: Desk) -> None:
    ann, bob, cy = (scim.user(name)["id"] for name in ("ann", "bob", "cy"))
    board = scim.group("Board", ann)
    path = f"/Groups/{board['id']}"

    def members() -> set[str]:
        there = {user["login"] for user in desk("GET", f"/{house.one}/users?group={board['id']}")[1]["items"]}
        told = {member["value"] for member in scim("GET", path).json().get("members", [])}
        assert {desk("GET", f"/{house.one}/users/{one}")[1]["login"] for one in told} == there
        return there

    assert (
        scim.patch(path, {"op": "Add", "path": "members", "value": [{"value": bob}, {"value": cy}]}).status_code == 204
    )
    assert members() == {"ann", "bob", "cy"}
    assert scim.patch(path, {"op": "Remove", "path": f'members[value eq "{ann}"]'}).status_code == 204
    assert members() == {"bob", "cy"}
    assert scim.patch(path, {"op": "Remove", "path": "members", "value": [{"value": bob}]}).status_code == 204
    assert members() == {"cy"}
    assert scim.patch(path, {"op": "replace", "value": {"members": [{"value": ann}]}}).status_code == 204
    assert members() == {"ann"}
    assert scim.patch(path, {"op": "Replace", "path": "displayName", "value": "Council"}).status_code == 204
    assert [found["id"] for found in scim.found("Groups", 'displayName eq "council"')] == [board["id"]]
    assert [found["display"] for found in scim("GET", f"/Users/{ann}").json()["groups"]] == ["Council"]
    assert scim("PUT", path, {"schemas": [GROUP], "displayName": "Council"}).status_code == 200
    assert members() == set()
    assert scim("DELETE", path).status_code == 204
    assert scim("GET", path).status_code == 404


def test_a_member_must_be_a_user_of_the_directory(scim: Scim, client: TestClient, house: House, desk: Desk) -> None:
    by_hand = add(desk, house.one, "by hand")["id"]
    foreign = Scim(client, token(client, house, house.two)).user("foreign")["id"]
    for stranger in (by_hand, foreign, "01a214ff-c618-7e60-ada4-5d528127d20f", "no id"):
        answer = scim("POST", "/Groups", {"schemas": [GROUP], "displayName": "x", "members": [{"value": stranger}]})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue"), stranger
    assert scim.found("Groups", 'displayName eq "x"') == [], "a refused group is not half made"


FILTERS = {
    'userName eq "a1"': {"a1"},
    'userName sw "a"': {"a1", "a2"},
    'userName co "1" and active eq true': {"a1"},
    'userName eq "b1" or userName eq "a2"': {"b1", "a2"},
    'not (userName sw "a")': {"b1"},
    'emails[type eq "work" and value co "@b"]': {"b1"},
    'externalId eq "7" and userName ne "a2"': {"a1"},
    "active eq false": {"b1"},
    'userName eq "nobody"': set(),
    'meta.resourceType eq "User" and userName pr': {"a1", "a2", "b1"},
}
NO_FILTERS = ("userName", 'userName xx "a"', 'nosuch eq "a"', "(" * 900, 'userName eq "' + "a" * 3000)


def test_filters(scim: Scim, client: TestClient) -> None:
    scim.user("a1", externalId="7")
    scim.user("a2", externalId="7")
    scim.user("b1", active=False, emails=[{"type": "work", "value": "x@b"}])
    assert {wanted: {found["userName"] for found in scim.found("Users", wanted)} for wanted in FILTERS} == FILTERS
    for wanted in NO_FILTERS:
        answer = client.get(
            "/scim/v2/Users", params={"filter": wanted}, headers={"authorization": f"Bearer {scim.key}"}
        )
        assert (answer.status_code, answer.json()["schemas"]) == (400, [ERROR]), wanted


def test_pages_begin_at_one_and_say_how_many_there_are(scim: Scim, client: TestClient) -> None:
    for number in range(5):
        scim.user(f"u{number}")
    seen = []
    for begin in (1, 3, 5, 7):
        page = scim("GET", f"/Users?startIndex={begin}&count=2").json()
        assert page["totalResults"] == 5
        seen += [found["userName"] for found in page.get("Resources", [])]
    assert seen == [f"u{number}" for number in range(5)]
    assert scim("GET", "/Users?count=0").json()["Resources"] == []


def test_brackets_in_brackets_break_nothing(scim: Scim, client: TestClient) -> None:
    for depth in (50, 300, 900):
        wanted = "(" * depth + "active eq true" + ")" * depth
        answer = client.get(
            "/scim/v2/Users", params={"filter": wanted}, headers={"authorization": f"Bearer {scim.key}"}
        )
        assert answer.status_code in (200, 400), depth
    ann = scim.user("ann")["id"]
    path = f'emails[{"(" * 5000}value eq "a"{")" * 5000}]'
    assert scim.patch(f"/Users/{ann}", {"op": "remove", "path": path}).status_code in (204, 400)


def test_an_old_etag_changes_nothing(scim: Scim, house: House, desk: Desk) -> None:
    ann = scim.user("ann")
    path, old = f"/Users/{ann['id']}", ann["meta"]["version"]
    assert scim("GET", path, if_none_match=old).status_code == 304
    desk("POST", f"/{house.one}/users/{ann['id']}/suspend")
    refused = scim.patch(path, {"op": "replace", "path": "displayName", "value": "x"}, if_match=old)
    assert (refused.status_code, refused.json()["status"]) == (412, "412")
    new = scim("GET", path).headers["etag"]
    assert new != old
    assert scim.patch(path, {"op": "replace", "path": "displayName", "value": "x"}, if_match=new).status_code == 204


def test_a_name_is_taken_once_whatever_its_case(scim: Scim, house: House, client: TestClient) -> None:
    scim.user("ann")
    for name in ("ann", "ANN"):
        answer = scim("POST", "/Users", {"schemas": [USER], "userName": name})
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    other = scim.user("bob")["id"]
    assert scim.patch(f"/Users/{other}", {"op": "replace", "path": "userName", "value": "Ann"}).status_code == 409
    scim.group("Board")
    assert scim("POST", "/Groups", {"schemas": [GROUP], "displayName": "Board"}).status_code == 409


def test_who_is_deleted_is_suspended_and_comes_back_as_the_same_only(
    scim: Scim, client: TestClient, house: House, desk: Desk
) -> None:
    ann = scim.user("ann", externalId="1")
    board = scim.group("Board", ann["id"])
    key = key_for(desk, {"tenant_id": house.one, "id": ann["id"]})["key"]
    assert scim("DELETE", f"/Users/{ann['id']}").status_code == 204
    assert scim("GET", f"/Users/{ann['id']}").status_code == 404
    assert scim("DELETE", f"/Users/{ann['id']}").status_code == 404
    until(lambda: status_of(client, key) == 401, SOON)
    assert "members" not in scim("GET", f"/Groups/{board['id']}").json()
    assert desk("GET", f"/{house.one}/users/{ann['id']}")[1]["state"] == "suspended"

    another = scim("POST", "/Users", {"schemas": [USER], "userName": "ann", "externalId": "2"})
    assert another.status_code == 409, "a login used again by somebody else opens nobody's account"
    assert scim.user("ann", externalId="1")["id"] == ann["id"]
    until(lambda: status_of(client, key) == 200, SOON)


def test_an_account_made_by_hand_is_adopted_but_no_operator_s(scim: Scim, house: House, desk: Desk) -> None:
    by_hand = add(desk, house.one, "bea", role="editor")
    assert scim("GET", f"/Users/{by_hand['id']}").status_code == 404, "not the directory's yet"
    assert scim.user("bea")["id"] == by_hand["id"]
    assert desk("GET", f"/{house.one}/users/{by_hand['id']}")[1]["role"] == "editor"
    for login, more in (("boss", {"role": "operator"}), ("look", {"role": "auditor"}), ("bot", {"kind": "service"})):
        add(desk, house.one, login, **more)
        assert scim("POST", "/Users", {"schemas": [USER], "userName": login}).status_code == 409


def test_the_last_operator_stays_and_any_other_goes(
    scim: Scim, client: TestClient, house: House, databases: Databases
) -> None:
    ann, bob = scim.user("ann")["id"], scim.user("bob")["id"]
    with databases.operator.session() as session:
        for login in (ann, bob):
            Tenants(session).people(house.one).change(UUID(login), "*", role=Role.OPERATOR)
    assert scim.patch(f"/Users/{ann}", {"op": "replace", "path": "active", "value": False}).status_code == 204
    for answer in (
        scim.patch(f"/Users/{bob}", {"op": "replace", "path": "active", "value": False}),
        scim("DELETE", f"/Users/{bob}"),
    ):
        assert (answer.status_code, answer.json()["schemas"]) == (409, [ERROR])
    assert scim("GET", f"/Users/{bob}").json()["active"] is True


NO_USERS: tuple[object, ...] = (
    {},
    {"schemas": [USER]},
    {"schemas": [USER], "userName": " "},
    {"schemas": [USER], "userName": "a\0b"},
    {"schemas": [USER], "userName": "a" * 300},
    {"schemas": [USER], "userName": "a", "displayName": "b" * 300},
    {"schemas": [USER], "userName": "a", "displayName": "b\0"},
    {"schemas": [USER], "userName": "a", "externalId": "\0"},
    {"schemas": [USER], "userName": "a", "emails": [{"value": "x"}] * 1000},
    {"schemas": ["urn:other"], "userName": "a"},
    {"schemas": [USER], "userName": ["a"]},
    [],
)


def test_a_body_that_is_none_is_refused_and_changes_nothing(scim: Scim) -> None:
    for body in NO_USERS:
        answer = scim("POST", "/Users", body)
        assert 400 <= answer.status_code < 500, (body, answer.text)
        assert answer.json()["schemas"] == [ERROR]
    assert scim("GET", "/Users").json()["totalResults"] == 0
