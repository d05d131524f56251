"""Signing in at a real OIDC provider: who gets in as whom, and who does not."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

import pytest
from starlette.testclient import TestClient

from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.drivers.fetcher import Fetcher
from appliance.tenants.directory.oidc import Client, Flow, Provider
from appliance.tenants.service import Tenants
from tests.factories.processes import until
from tests.integration.directory.conftest import token
from tests.integration.directory.entra import SOON, Scim
from tests.integration.directory.idp import PUBLIC, Browser, Idp, free_port
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, add


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    idp = Idp(free_port())
    with idp.start():
        yield idp


@pytest.fixture
def desk(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


def set_up(desk: Desk, tenant: UUID, idp: Idp, **more: object) -> dict[str, Any]:
    path = f"/{tenant}/directory/oidc"
    _, there = desk("GET", path)
    body = {"issuer": idp.issuer, "client_id": "appliance", "client_secret": "s3cret", "public_url": PUBLIC, **more}
    version = {"if_match": f'"{there["version"]}"'} if "version" in there else {}
    status, made = desk("PUT", path, body, **version)
    assert status == 200, made
    return dict(made)


def groups(desk: Desk, tenant: UUID, login: str) -> set[str]:
    named = {group["id"]: group["name"] for group in desk("GET", f"/{tenant}/groups")[1]["items"]}
    users = f"/{tenant}/users?login={login}"
    return {name for one, name in named.items() if desk("GET", f"{users}&group={one}")[1]["items"]}


def test_who_signs_in_is_made_with_groups_and_loses_them_at_the_next_sign_in(
    client: TestClient, idp: Idp, house: House, desk: Desk
) -> None:
    made = set_up(desk, house.one, idp)
    assert (made["has_secret"], made["redirect_uri"]) == (True, f"{PUBLIC}/api/v1/oidc/callback")
    assert "s3cret" not in str(made)
    idp.person("7", preferred_username="ann@corp", name="Ann Lee", groups=["Board", "Works"])
    browser = Browser(client, idp, house.one)
    answer = browser.sign_in("7")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-disposition"] == "inline"  # a browser shows it and goes on
    assert "script" not in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    me = browser.me().json()
    assert (me["name"], me["role"], me["tenant_id"]) == ("Ann Lee", "member", str(house.one))
    assert me["session"] is not None
    assert groups(desk, house.one, "ann@corp") == {"Board", "Works"}

    idp.person("7", preferred_username="ann@corp", name="Ann B. Lee", groups=["Works"])
    assert Browser(client, idp, house.one).sign_in("7").status_code == 200
    assert browser.me().json()["name"] == "Ann B. Lee"
    assert groups(desk, house.one, "ann@corp") == {"Works"}
    idp.person("7", preferred_username="ann@corp", name="Ann B. Lee")
    assert Browser(client, idp, house.one).sign_in("7").status_code == 200
    assert groups(desk, house.one, "ann@corp") == set()
    assert len(desk("GET", f"/{house.one}/users?login=ann@corp")[1]["items"]) == 1


def test_a_suspended_user_does_not_get_in_whatever_the_provider_says(
    client: TestClient, idp: Idp, house: House, desk: Desk
) -> None:
    set_up(desk, house.one, idp)
    idp.person("8", preferred_username="bob@corp")
    browser = Browser(client, idp, house.one)
    assert browser.sign_in("8").status_code == 200
    (bob,) = desk("GET", f"/{house.one}/users?login=bob@corp")[1]["items"]
    desk("POST", f"/{house.one}/users/{bob['id']}/suspend")
    until(lambda: browser.me().status_code == 401, SOON)
    assert Browser(client, idp, house.one).sign_in("8").status_code == 401
    assert desk("GET", f"/{house.one}/users/{bob['id']}")[1]["state"] == "suspended"


def test_whose_account_a_login_opens(client: TestClient, idp: Idp, house: House, desk: Desk) -> None:
    """An account made by hand opens to nobody whom the provider merely calls by its login, unless that was allowed."""
    set_up(desk, house.one, idp)
    add(desk, house.one, "cy@corp", role="editor")
    add(desk, house.one, "boss@corp", role="operator")
    idp.person("9", preferred_username="cy@corp")
    refused = Browser(client, idp, house.one).sign_in("9")
    assert (refused.status_code, refused.json()["code"]) == (409, "login_taken")
    set_up(desk, house.one, idp, adopt=True)
    assert Browser(client, idp, house.one).sign_in("9").status_code == 200
    assert client.get("/api/v1/me").json()["role"] == "editor"
    idp.person("10", preferred_username="boss@corp")
    assert Browser(client, idp, house.one).sign_in("10").status_code == 409
    idp.person("11", preferred_username="CY@corp")
    assert Browser(client, idp, house.one).sign_in("11").status_code == 409, "another subject with the login"

    set_up(desk, house.one, idp, adopt=False)
    scim = Scim(client, token(client, house, house.one))
    scim.user("dee@corp", displayName="Dee by SCIM")
    idp.person("12", preferred_username="dee@corp", name="another name")
    assert Browser(client, idp, house.one).sign_in("12").status_code == 200
    assert client.get("/api/v1/me").json()["name"] == "Dee by SCIM"

    set_up(desk, house.one, idp, create=False)
    idp.person("13", preferred_username="eve@corp")
    refused = Browser(client, idp, house.one).sign_in("13")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_refused")
    assert desk("GET", f"/{house.one}/users?login=eve@corp")[1]["items"] == []


def test_roles_and_groups_as_an_operator_mapped_them(client: TestClient, idp: Idp, house: House, desk: Desk) -> None:
    desk("POST", f"/{house.one}/groups", {"name": "Board"})
    set_up(desk, house.one, idp, groups={"g-board": "Board"}, roles={"g-it": "tenant_admin", "g-edit": "editor"})
    idp.person("20", preferred_username="fay@corp", groups=["g-board", "g-edit", "g-it", "g-other"])
    assert Browser(client, idp, house.one).sign_in("20").status_code == 200
    assert client.get("/api/v1/me").json()["role"] == "tenant_admin"
    assert groups(desk, house.one, "fay@corp") == {"Board"}
    idp.person("20", preferred_username="fay@corp", groups=["g-edit"])
    assert Browser(client, idp, house.one).sign_in("20").status_code == 200
    assert client.get("/api/v1/me").json()["role"] == "editor"
    assert groups(desk, house.one, "fay@corp") == set()


def test_a_role_of_the_appliance_is_taken_by_no_claim(
    client: TestClient, idp: Idp, house: House, desk: Desk, databases: Databases
) -> None:
    set_up(desk, house.one, idp, roles={"g-it": "tenant_admin"})
    idp.person(
        "21", preferred_username="gus@corp", groups=["operator", "g-operators"], role="operator", roles=["operator"]
    )
    assert Browser(client, idp, house.one).sign_in("21").status_code == 200
    assert client.get("/api/v1/me").json()["role"] == "member"
    (gus,) = desk("GET", f"/{house.one}/users?login=gus@corp")[1]["items"]
    with databases.operator.session() as session:
        Tenants(session).people(house.one).change(UUID(gus["id"]), "*", role=Role.OPERATOR)
    assert Browser(client, idp, house.one).sign_in("21").status_code == 200
    assert client.get("/api/v1/me").json()["role"] == "operator", "given by hand, and not the claims' to take"


def test_only_the_browser_that_began_can_come_back(client: TestClient, idp: Idp, house: House, desk: Desk) -> None:
    set_up(desk, house.one, idp)
    idp.person("30", preferred_username="hal@corp")
    browser = Browser(client, idp, house.one)
    address = browser.begin().headers["location"]
    returned = idp.sign_in(address, "30")
    cookie = dict(client.cookies)

    def refused(told: dict[str, str], code: str = "token_refused") -> None:
        answer = browser.back(told)
        assert (answer.status_code, answer.json()["code"]) == (401, code), told
        assert browser.me().status_code == 401

    client.cookies.clear()
    refused(returned)  # another browser: nobody is signed in to an attacker's account
    for broken in ("", "00", "x", next(iter(cookie.values()))[:-2] + "00"):
        client.cookies.set(next(iter(cookie)), broken)
        refused(returned)
    client.cookies.clear()
    client.cookies.update(cookie)
    refused({**returned, "state": "x"})
    refused({"code": returned["code"]})
    refused({**returned, "iss": "https://evil.example"})
    refused({"state": returned["state"], "error": "access_denied"})
    assert browser.back(returned).status_code == 200
    client.cookies.clear()
    client.cookies.update(cookie)
    assert browser.back(returned).status_code == 401, "a code is good once"


def test_who_was_refused_is_in_the_audit(client: TestClient, idp: Idp, house: House, desk: Desk) -> None:
    set_up(desk, house.one, idp, create=False)
    idp.person("40", preferred_username="ivy@corp")
    Browser(client, idp, house.one).sign_in("40")
    entries = client.get("/api/v1/audit", params={"limit": 100}, headers=House.bearer(house.operator)).json()["items"]
    told = [(entry["action"], entry["outcome"], entry["details"].get("how")) for entry in entries]
    assert ("sign_in", "refused", "oidc") in told
    assert any(action == "directory.set" for action, _, _ in told)
    assert "s3cret" not in str(entries)


def test_an_operator_sets_it_and_nobody_else(client: TestClient, idp: Idp, house: House, desk: Desk) -> None:
    path = f"/{house.one}/directory/oidc"
    body = {"issuer": idp.issuer, "client_id": "a", "public_url": PUBLIC}
    assert desk("GET", path)[0] == 404
    assert client.get(f"/api/v1/oidc/{house.one}/start", follow_redirects=False).status_code == 404
    assert client.get(f"/api/v1/oidc/{uuid5(house.one, 'x')}/start", follow_redirects=False).status_code == 404
    admin = Desk(client, house.admin_of_one)
    assert admin("PUT", path, body)[0] == 403
    assert desk("PUT", path, body)[0] == 200
    assert desk("PUT", path, body)[0] == 428
    assert desk("PUT", path, body, if_match='"7"')[0] == 412
    assert admin("GET", path)[1]["start_url"] == f"{PUBLIC}/api/v1/oidc/{house.one}/start"
    assert admin("POST", f"{path}/test", {}) == (
        200,
        {"issuer": idp.issuer, "authorization_endpoint": f"{idp.issuer}/oauth2/authorize", "keys": 1},
    )
    assert admin("DELETE", path)[0] == 403
    assert desk("DELETE", path)[0] == 204
    assert desk("GET", path)[0] == 404


def test_settings_that_reach_where_they_should_not_are_refused(house: House, desk: Desk) -> None:
    path = f"/{house.one}/directory/oidc"
    usual = {"issuer": "https://login.example.com", "client_id": "a", "public_url": PUBLIC}
    wrong: list[dict[str, object]] = [
        {"issuer": "http://login.example.com"},
        {"issuer": "file:///etc/passwd"},
        {"issuer": "https://a@login.example.com"},
        {"issuer": "https://127.1/"},
        {"public_url": "javascript:alert(1)"},
        {"public_url": "http://here.example"},
        {"hosts": ["x/y@z"]},
        {"login_claim": "role"},
        {"roles": {"x": "root"}},
        {"unknown": 1},
    ]
    for each in wrong:
        assert desk("PUT", path, {**usual, **each})[0] == 422, each
    assert desk("GET", path)[0] == 404


def test_a_provider_that_is_away_or_not_ours_is_told(client: TestClient, house: House, desk: Desk) -> None:
    dead = Idp(free_port())
    set_up(desk, house.one, dead)
    answer = client.get(f"/api/v1/oidc/{house.one}/start", follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_fetched")
    set_up(desk, house.one, Idp(80), issuer="https://169.254.169.254")
    answer = client.get(f"/api/v1/oidc/{house.one}/start", follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (422, "address_refused")


def test_a_provider_s_new_keys_are_taken() -> None:
    idp, now = Idp(free_port()), [0.0]
    client = Client(idp.issuer, "appliance", "secret", f"{PUBLIC}/api/v1/oidc/callback")
    provider = Provider(client, Fetcher(frozenset({("127.0.0.1", int(idp.issuer.rpartition(":")[2]))})), lambda: now[0])
    for later in (0.0, 61.0):
        now[0] = later
        with idp.start():
            flow = Flow.begin()
            returned = idp.sign_in(provider.address(flow), "7")
            assert provider.claims(returned["code"], flow)["sub"] == "7"
