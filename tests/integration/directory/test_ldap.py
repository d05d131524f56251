"""A tenant's people from a real slapd: who comes, who goes, who gets in by its password, and what is refused."""

from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.drivers.ldap.port import LdapDown, LdapRefused, Query
from appliance.drivers.ldap.server import LdapServer, Security, escaped
from appliance.jobs.runner import Runner
from appliance.tenants.directory import tasks
from appliance.tenants.service import Tenants
from tests.factories import slapd
from tests.factories.processes import until
from tests.factories.slapd import ADMIN, BASE, PASSWORD, Slapd
from tests.integration.directory.entra import SOON
from tests.integration.directory.works import PEOPLE, Sync, set_up, settings_for
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, add, key_for, status_of

pytestmark = pytest.mark.skipif(slapd.PROGRAM is None, reason="Debian's slapd is not installed (bin/apt)")


def people(desk: Desk, tenant: UUID) -> dict[str, str]:
    items = desk("GET", f"/{tenant}/users?limit=200")[1]["items"]
    return {user["login"]: user["state"] for user in items if " of " not in user["login"]}


def inside(desk: Desk, tenant: UUID, name: str) -> set[str]:
    (group,) = desk("GET", f"/{tenant}/groups?name={name}")[1]["items"]
    return {user["login"] for user in desk("GET", f"/{tenant}/users?group={group['id']}")[1]["items"]}


def test_people_and_groups_come_and_go(
    directory: Slapd, desk: Desk, house: House, sync: Sync, client: TestClient
) -> None:
    set_up(desk, house.one, directory)
    assert desk("POST", f"/{house.one}/directory/ldap/test", {})[1] == {"users": 3, "groups": 1, "unusable": 0}
    planned = desk("POST", f"/{house.one}/directory/ldap/preview", {})[1]
    assert {change["login"]: change["act"] for change in planned["items"]} == dict.fromkeys(
        ("ann", "bob", "cy"), "admit"
    )
    assert people(desk, house.one) == {}, "a preview changes nothing"

    assert sync()["done"] == {"admit": 3}
    assert people(desk, house.one) == dict.fromkeys(("ann", "bob", "cy"), "active")
    assert inside(desk, house.one, "works") == {"ann", "bob"}
    assert sync()["done"] == {}, "what is as it should be is left alone"
    (bob,) = desk("GET", f"/{house.one}/users?login=bob")[1]["items"]
    key = key_for(desk, bob)["key"]
    assert status_of(client, key) == 200
    before = len(client.get("/api/v1/me", headers=House.bearer(key)).json()["groups"])
    assert before == 1

    directory.change(f"dn: cn=works,ou=groups,{BASE}\nchangetype: modify\ndelete: member\nmember: uid=bob,{PEOPLE}\n")
    assert sync()["done"] == {"groups": 1}
    until(lambda: client.get("/api/v1/me", headers=House.bearer(key)).json()["groups"] == [], SOON)
    directory.change(f"dn: uid=bob,{PEOPLE}\nchangetype: delete\n")
    directory.change(f"dn: uid=ann,{PEOPLE}\nchangetype: modify\nreplace: cn\ncn: Ann B. Lee\n")
    planned = desk("POST", f"/{house.one}/directory/ldap/preview", {})[1]
    assert [(change["act"], change["login"]) for change in planned["items"]] == [("release", "bob"), ("change", "ann")]
    assert sync()["done"] == {"release": 1, "change": 1}
    until(lambda: status_of(client, key) == 401, SOON)
    assert people(desk, house.one)["bob"] == "suspended"
    assert desk("GET", f"/{house.one}/users?login=ann")[1]["items"][0]["name"] == "Ann B. Lee"

    directory.add(slapd.person("bob", "Another Bob"))
    assert sync()["refused"] == {"login_taken": 1}, "a login used again by somebody else opens nobody's account"
    assert people(desk, house.one)["bob"] == "suspended"
    events = client.get("/api/v1/audit?limit=200", headers=House.bearer(house.operator)).text
    assert "directory.release" in events
    assert PASSWORD not in events


def test_who_is_suspended_by_hand_stays_so(directory: Slapd, desk: Desk, house: House, sync: Sync) -> None:
    set_up(desk, house.one, directory)
    sync()
    (ann,) = desk("GET", f"/{house.one}/users?login=ann")[1]["items"]
    desk("POST", f"/{house.one}/users/{ann['id']}/suspend")
    assert sync()["done"] == {}
    assert people(desk, house.one)["ann"] == "suspended"


def test_who_was_suspended_by_hand_before_the_directory_came_is_not_let_in_by_it(
    directory: Slapd, desk: Desk, house: House, sync: Sync
) -> None:
    ann = add(desk, house.one, "ann")
    desk("POST", f"/{house.one}/users/{ann['id']}/suspend")
    set_up(desk, house.one, directory)
    assert sync()["done"] == {"admit": 3}
    assert people(desk, house.one)["ann"] == "suspended"
    directory.change(f"dn: uid=ann,{PEOPLE}\nchangetype: delete\n")
    assert sync()["done"] == {"release": 1}
    directory.add(slapd.person("ann", "Another Ann"))
    assert sync()["refused"] == {"login_taken": 1}
    assert people(desk, house.one)["ann"] == "suspended"


def test_who_was_away_and_comes_back_under_another_login_is_the_same_person(
    directory: Slapd, desk: Desk, house: House, sync: Sync
) -> None:
    """A person is known by what never changes there; by the login alone the account would have been a second one."""
    set_up(desk, house.one, directory)
    sync()
    (ann,) = desk("GET", f"/{house.one}/users?login=ann")[1]["items"]
    set_up(desk, house.one, directory, user_filter="(&(objectClass=inetOrgPerson)(!(uid=ann)))")
    assert sync()["done"] == {"release": 1}
    directory.change(f"dn: uid=ann,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=anna\ndeleteoldrdn: 1\n")
    set_up(desk, house.one, directory)
    assert sync()["done"] == {"admit": 1}
    found = desk("GET", f"/{house.one}/users/{ann['id']}")[1]
    assert (found["login"], found["state"]) == ("anna", "active")
    assert people(desk, house.one) == dict.fromkeys(("anna", "bob", "cy"), "active")
    assert sync()["done"] == {}


def test_roles_follow_groups_and_the_last_operator_stays(
    directory: Slapd, desk: Desk, house: House, sync: Sync, databases: Databases, client: TestClient
) -> None:
    add(desk, house.one, "cy", role="operator")
    set_up(desk, house.one, directory, roles={"works": "editor"}, groups={"works": "Works"})
    assert sync() == {"people": 3, "groups": 1, "unusable": 0, "done": {"admit": 2}, "refused": {"login_taken": 1}}
    assert desk("GET", f"/{house.one}/users?login=ann")[1]["items"][0]["role"] == "editor"
    assert inside(desk, house.one, "Works") == {"ann", "bob"}
    with databases.operator.session() as session:
        tenants = Tenants(session)
        home = next(each for each in tenants.list(None, 10).items if each.name == "home")
        boss = tenants.people(home.id).list(None, 10).items[0]
        named = {user.login: user.id for user in tenants.people(house.one).list(None, 50).items}
        tenants.people(house.one).change(named["ann"], "*", role=Role.OPERATOR)
        tenants.people(house.one).change(named["cy"], "*", role=Role.MEMBER)
        tenants.people(home.id).change(boss.id, "*", role=Role.MEMBER)
    directory.change(f"dn: uid=ann,{PEOPLE}\nchangetype: delete\n")
    directory.change(f"dn: uid=bob,{PEOPLE}\nchangetype: delete\n")
    assert sync()["refused"] == {"last_operator": 1}
    with databases.operator.session() as session:
        states = {user.login: user.state for user in Tenants(session).people(house.one).list(None, 50).items}
    assert (states["ann"], states["bob"]) == ("active", "suspended")


def test_a_directory_that_shows_nobody_takes_nothing_away(
    directory: Slapd, desk: Desk, house: House, sync: Sync, runner: Runner, client: TestClient
) -> None:
    set_up(desk, house.one, directory)
    sync()
    set_up(desk, house.one, directory, user_filter="(uid=nobody)")
    assert desk("POST", f"/{house.one}/directory/ldap/preview", {})[1]["code"] == "nobody_found"
    asked = desk("POST", f"/{house.one}/directory/ldap/sync", {})[1]["job"]
    runner.run_next()
    answer = client.get(f"/api/v1/jobs/{asked}", headers=House.bearer(house.admin_of_one)).json()
    assert (answer["state"], answer["error_code"]) == ("failed", "nobody_found")
    assert people(desk, house.one) == dict.fromkeys(("ann", "bob", "cy"), "active")


@pytest.mark.parametrize("security", ["ldaps", "starttls"])
def test_only_a_server_with_the_right_certificate_is_believed(
    server: Slapd, security: Security, tmp_path: Path
) -> None:
    port = server.ldaps if security == "ldaps" else server.ldap
    other = slapd.certificates(tmp_path)
    good = LdapServer("127.0.0.1", port, security, ADMIN, PASSWORD, server.ca)
    assert good.search(Query(BASE, "(ou=people)", ("ou",)))[0].one("OU") == "people"
    for host, ca in (("127.0.0.1", None), ("127.0.0.1", other), ("::1", server.ca), ("127.0.0.1", "no PEM")):
        with pytest.raises(LdapDown):
            LdapServer(host, port, security, ADMIN, PASSWORD, ca).search(Query(BASE, "(ou=people)", ("ou",)))
    with pytest.raises(LdapRefused):
        LdapServer("127.0.0.1", port, security, ADMIN, "wrong", server.ca).search(Query(BASE, "(ou=people)", ("ou",)))
    with pytest.raises(LdapRefused):
        good.search(Query("dc=else", "(ou=people)", ("ou",)))
    with pytest.raises(LdapRefused):
        good.search(Query(BASE, "(objectClass=*)", ("ou",), limit=1))
    with pytest.raises((LdapDown, LdapRefused)):
        good.search(Query(BASE, "((", ("ou",)))


def test_more_people_than_the_server_shows_at_once_are_read_page_by_page(directory: Slapd) -> None:
    directory.add("".join(slapd.person(f"u{number}", f"U {number}") for number in range(700)))
    good = LdapServer("127.0.0.1", directory.ldaps, "ldaps", ADMIN, PASSWORD, directory.ca)
    assert len(good.search(Query(PEOPLE, "(objectClass=inetOrgPerson)", ("uid",)))) == 703


def test_a_value_in_a_filter_is_only_a_value(directory: Slapd) -> None:
    good = LdapServer("127.0.0.1", directory.ldaps, "ldaps", ADMIN, PASSWORD, directory.ca)
    for value in ("*", "a*", "ann)(uid=*", "ann\0", "\\", "(", ")", "ann|bob", "é" * 50):
        assert good.search(Query(PEOPLE, f"(uid={escaped(value)})", ("uid",))) == [], value


def test_a_sync_that_is_due_is_asked_for_once(directory: Slapd, desk: Desk, house: House, databases: Databases) -> None:
    set_up(desk, house.one, directory, every_minutes=15)
    for expected in (1, 0):
        with databases.system.session() as session:
            assert tasks.due(session) == expected
    set_up(desk, house.one, directory, every_minutes=None)
    with databases.system.session() as session:
        assert tasks.due(session) == 0


def test_settings_and_who_may_what(directory: Slapd, desk: Desk, house: House, client: TestClient) -> None:
    path = f"/{house.one}/directory/ldap"
    admin, body = Desk(client, house.admin_of_one), settings_for(directory)
    for verb, where in (("GET", path), ("POST", f"{path}/test"), ("POST", f"{path}/preview"), ("POST", f"{path}/sync")):
        assert admin(verb, where, {})[0] == 404, where
    assert admin("PUT", path, body)[0] == 403
    wrong: list[dict[str, object]] = [
        {"host": "x:1"},
        {"host": "a@b"},
        {"host": "127.1"},
        {"port": 0},
        {"security": "none"},
        {"user_filter": "uid=*"},
        {"login_attribute": "a)(b"},
        {"every_minutes": 0},
        {"unknown": 1},
    ]
    for each in wrong:
        assert desk("PUT", path, {**body, **each})[0] == 422, each
    assert desk("PUT", path, body)[0] == 200
    assert admin("GET", path)[1]["settings"]["bind_dn"] == ADMIN
    assert Desk(client, house.member_of_one)("POST", f"{path}/sync", {})[0] == 403
    assert Desk(client, house.admin_of_two)("POST", f"{path}/sync", {})[0] == 404
    assert desk("PUT", path, {**body, "host": "169.254.169.254"}, if_match='"1"')[0] == 200
    assert admin("POST", f"{path}/test", {})[1]["code"] == "address_refused"
    assert desk("DELETE", path)[0] == 204
