"""Signing in by the password that a real slapd knows, and what a refusal tells."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.drivers.ldap.port import Found, Ldap, Query
from appliance.tenants.directory.ldap_desk import LdapDesk
from appliance.tenants.directory.ldap_source import reach
from appliance.tenants.signing_in import Doors
from tests.factories import slapd
from tests.factories.slapd import PASSWORD, Slapd
from tests.integration.directory.works import PEOPLE, Sync, set_up
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, add

pytestmark = pytest.mark.skipif(slapd.PROGRAM is None, reason="Debian's slapd is not installed (bin/apt)")


@dataclass(frozen=True, slots=True)
class Counted:
    """The real directory, and what it was asked."""

    real: Ldap
    asked: list[str]

    def search(self, query: Query) -> list[Found]:
        """As the real one."""
        self.asked.append("search")
        return self.real.search(query)

    def knows(self, dn: str, password: str) -> bool:
        """As the real one."""
        self.asked.append("knows")
        return self.real.knows(dn, password)


def test_signing_in_by_the_directory_s_password(
    directory: Slapd, desk: Desk, house: House, sync: Sync, client: TestClient
) -> None:
    set_up(desk, house.one, directory)

    def sign_in(login: str, password: str) -> int:
        return client.post("/api/v1/login", json={"login": login, "password": password}).status_code

    assert sign_in("ann", "ann's word") == 401, "not handed in yet"
    sync()
    assert sign_in("ann", "ann's word") == 201
    for login, password in (
        ("ann", "bob's word"),
        ("ann", ""),
        ("ann", "*"),
        ("*", "ann's word"),
        ("a*", "ann's word"),
    ):
        assert sign_in(login, password) == 401, (login, password)
    for injected in ("ann)(uid=*", "ann)(|(uid=*", "*)(objectClass=*", "ann\0", "ann\\2a", "cn=admin"):
        assert sign_in(injected, PASSWORD) in (401, 422), injected
    (ann,) = desk("GET", f"/{house.one}/users?login=ann")[1]["items"]
    desk("POST", f"/{house.one}/users/{ann['id']}/suspend")
    assert sign_in("ann", "ann's word") == 401
    directory.change(f"dn: uid=bob,{PEOPLE}\nchangetype: delete\n")
    directory.add(slapd.person("bob", "Another Bob", "another word"))
    assert sign_in("bob", "another word") == 401, "the login is another person's there"
    set_up(desk, house.one, directory, sign_in=False)
    assert sign_in("cy", "cy's word") == 401


def test_a_refusal_asks_the_directory_as_much_whoever_it_is_of(
    directory: Slapd, desk: Desk, house: House, sync: Sync, client: TestClient, databases: Databases
) -> None:
    """Else its time tells which logins a directory has handed in. The work is counted, not the time."""
    set_up(desk, house.one, directory)
    sync()
    add(desk, house.two, "local", password=PASSWORD)
    asked: list[str] = []
    state = client.app.state  # type: ignore[attr-defined] # Starlette's app
    ldap = LdapDesk(databases, state.ldap.seal, lambda settings, secret: Counted(reach(settings, secret), asked))
    state.doors = Doors(ldap.prove, state.doors.seal, ldap.pretend)

    def work(login: str, password: str, status: int = 401) -> list[str]:
        asked.clear()
        answer = client.post("/api/v1/login", json={"login": login, "password": password})
        assert answer.status_code == status, answer.text
        return list(asked)

    assert work("ann", "a wrong word") == ["search", "knows"]
    assert work("nobody", "a wrong word") == ["search", "knows"]
    assert work("local", "a wrong word") == ["search", "knows"]
    assert work("local", PASSWORD, 201) == [], "who has a password of ours waits for no directory"
    set_up(desk, house.one, directory, sign_in=False)
    assert work("nobody", "a wrong word") == []


def test_a_directory_whose_secret_is_lost_breaks_nobody_s_sign_in(
    directory: Slapd, desk: Desk, house: House, sync: Sync, client: TestClient, superuser: Engine
) -> None:
    """One tenant's lost secret answered 500 to every wrong password of the appliance, and to its own people."""
    set_up(desk, house.one, directory)
    sync()
    add(desk, house.two, "dee", password="a word of ours")
    with superuser.begin() as connection:
        connection.execute(text("update directories set secret = decode('00', 'hex')"))

    def sign_in(login: str, password: str) -> int:
        return client.post("/api/v1/login", json={"login": login, "password": password}).status_code

    assert [sign_in(*each) for each in (("ann", "ann's word"), ("nobody", "x"), ("dee", "x"))] == [401, 401, 401]
    assert sign_in("dee", "a word of ours") == 201
    for verb in ("test", "preview"):
        status, told = desk("POST", f"/{house.one}/directory/ldap/{verb}", {})
        assert (status, told["code"]) == (409, "unsealable")
