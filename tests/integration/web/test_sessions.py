"""Browsers' sessions: how they begin and end, what a change must show, and that there is one way to authenticate."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access import cookies
from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit import clock, crypto
from appliance.kit.settings import Settings
from appliance.tenants import sessions
from tests.factories.processes import until
from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD, Desk, add, status_of
from tests.integration.web.page import LOGIN, Page


@pytest.fixture
def ann(client: TestClient, house: House) -> dict[str, object]:
    """An editor of tenant one with a password."""
    return add(Desk(client, house.operator), house.one, "ann", role="editor", password=PASSWORD)


@pytest.fixture
def page(client: TestClient, ann: dict[str, object]) -> Page:
    return Page(client)


def test_a_session_is_a_cookie_that_no_script_reads_and_no_other_site_sends(page: Page, databases: Databases) -> None:
    assert page.told["key"] is None
    flags = {part.strip().lower() for part in page.header.split(";")[1:]}
    assert flags == {"httponly", "samesite=strict", "path=/"}
    assert page("GET", "/me") == 200
    assert page.last.json()["csrf"] == page.told["csrf"] == cookies.csrf(page.secret)
    with databases.operator.session() as session:
        kept = session.execute(text("select hash, device from user_sessions")).one()
    assert kept.hash == crypto.digest(page.secret)
    assert kept.device == "testclient"


def test_over_tls_the_cookie_is_secure_and_of_this_host_alone(settings: Settings, house: House) -> None:
    app = web.build(settings)
    with TestClient(app, base_url="https://appliance.test") as client:
        add(Desk(client, house.operator), house.one, "ann", password=PASSWORD)
        header = client.post("/api/v1/login", json={**LOGIN, "session": True}).headers["set-cookie"]
        assert header.startswith("__Host-appliance=se-")
        assert "; Secure" in header
        assert "domain" not in header.lower()
        assert client.get("/api/v1/me").status_code == 200
        secret = client.cookies["__Host-appliance"]
        client.cookies.clear()
        told = client.get("/api/v1/me", headers={"cookie": f"appliance={secret}"})
        assert told.status_code == 401  # a name that a neighbour may set stands for nothing here


def test_a_change_without_the_session_s_own_token_is_refused_and_recorded(
    page: Page, client: TestClient, databases: Databases, ann: dict[str, object]
) -> None:
    other = Page(client)
    for wrong in (None, "x", cookies.csrf(other.secret), page.secret):
        assert page("POST", "/conversations", {}, csrf=wrong) == 403
        assert page.last.json()["code"] == "no_csrf_token"
    assert page("POST", "/conversations", {}) == 201
    query = text("select details ->> 'code' from audit_entries where outcome = 'refused'")
    with databases.operator.session() as session:
        assert session.execute(query).scalars().all() == ["no_csrf_token"] * 4


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver:81"},
        {"origin": "https://testserver"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(page: Page, client: TestClient, headers: dict[str, str]) -> None:
    assert page("POST", "/conversations", {}, **headers) == 403
    assert page.last.json()["code"] == "cross_site"
    told = client.post("/api/v1/login", json={**LOGIN, "session": True}, headers=_named(headers))
    assert (told.status_code, told.json()["code"]) == (403, "cross_site")
    assert page("GET", "/conversations") == 200
    assert page.last.json()["items"] == []


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def test_our_own_page_is_let_through(page: Page) -> None:
    ours = {"origin": "http://testserver", "sec_fetch_site": "same-origin"}
    assert page("POST", "/conversations", {}, **ours) == 201
    assert page("GET", "/me", sec_fetch_site="none") == 200
    assert page("GET", "/me", sec_fetch_site="cross-site") == 403


def test_a_session_is_no_key_and_a_key_is_no_session(page: Page, client: TestClient, house: House) -> None:
    assert client.get("/api/v1/me", headers=House.bearer(page.secret)).status_code == 401
    for stranger in (house.operator, "se-x", "x", ""):
        told = client.get("/api/v1/me", headers={"cookie": f"appliance={stranger}"})
        assert told.status_code == 401, stranger
    # A key that comes with a session is what counts, and needs no token.
    both = {"cookie": f"appliance={page.secret}", **House.bearer(house.member_of_two)}
    assert client.get("/api/v1/me", headers=both).json()["tenant_id"] == str(house.two)
    assert client.post("/api/v1/conversations", json={}, headers=both).status_code == 201


def test_signing_in_again_makes_a_new_secret_and_ends_the_old_one(page: Page, client: TestClient) -> None:
    told = client.post("/api/v1/login", json={**LOGIN, "session": True}, headers={"cookie": f"appliance={page.secret}"})
    assert told.status_code == 201
    fresh = client.cookies["appliance"]
    client.cookies.clear()
    assert fresh != page.secret
    until(lambda: page("GET", "/me") == 401, 2)


def test_signing_out_ends_the_session_not_only_the_cookie(page: Page, client: TestClient, house: House) -> None:
    former = page.secret
    assert page("POST", "/logout") == 204
    assert "max-age=0" in page.last.headers["set-cookie"].lower()
    page.secret = former
    until(lambda: page("GET", "/me") == 401, 2)
    told = client.post("/api/v1/logout", headers=House.bearer(house.operator))
    assert (told.status_code, told.json()["code"]) == (404, "session_not_found")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """Append how much later it is."""
    shift: list[timedelta] = []
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + sum(shift, timedelta()))
    return shift


def test_a_session_ends_idle_and_at_its_last_hour(
    client: TestClient, ann: dict[str, object], later: list[timedelta]
) -> None:
    idle, used = Page(client), Page(client)
    for minutes in (50, 50):
        later.append(timedelta(minutes=minutes))
        _forget(client)
        assert used("GET", "/me") == 200
    assert idle("GET", "/me") == 401
    for _ in range(11):
        later.append(timedelta(minutes=59))
        _forget(client)
        last = used("GET", "/me")
    assert last == 401  # in use all the time, and twelve hours old


def _forget(client: TestClient) -> None:
    vars(client.app)["state"].credentials.forget()


def test_people_see_and_end_their_own_sessions_and_nobody_else_s(page: Page, client: TestClient, house: House) -> None:
    other = Page(client)
    add(Desk(client, house.operator), house.one, "bob", password=PASSWORD)
    bob = Page(client, {"login": "bob", "password": PASSWORD})
    page("GET", "/me/sessions")
    mine = page.last.json()["items"]
    assert sorted(item["current"] for item in mine) == [False, True]
    assert {item["how"] for item in mine} == {"password"}
    bob("GET", "/me/sessions")
    (of_bob,) = bob.last.json()["items"]
    assert page("DELETE", f"/me/sessions/{of_bob['id']}") == 404
    assert bob("GET", "/me") == 200
    (theirs,) = [item["id"] for item in mine if not item["current"]]
    assert page("DELETE", f"/me/sessions/{theirs}") == 200
    assert page.last.json()["revoked_at"] is not None
    assert page("DELETE", f"/me/sessions/{theirs}") == 200  # harmless to repeat
    until(lambda: other("GET", "/me") == 401, 2)
    third = Page(client)
    assert (page("DELETE", "/me/sessions"), page.last.json()) == (200, {"ended": 1})
    until(lambda: third("GET", "/me") == 401, 2)
    assert page("GET", "/me") == 200


def test_administrators_end_the_sessions_of_their_own_tenant(
    page: Page, client: TestClient, house: House, ann: dict[str, object]
) -> None:
    admin, stranger = Desk(client, house.admin_of_one), Desk(client, house.admin_of_two)
    status, listed = admin("GET", f"/{house.one}/sessions?user={ann['id']}")
    assert status == 200
    (found,) = listed["items"]
    path = f"/{house.one}/sessions/{found['id']}"
    assert stranger("DELETE", path)[0] == 404
    assert stranger("DELETE", path.replace(str(house.one), str(house.two)))[0] == 404
    assert page("GET", "/me") == 200
    assert admin("DELETE", path)[0] == 200
    until(lambda: page("GET", "/me") == 401, 2)
    again = Page(client)
    assert admin("DELETE", f"/{house.one}/users/{ann['id']}/sessions") == (200, {"ended": 1})
    until(lambda: again("GET", "/me") == 401, 2)
    assert admin("DELETE", f"/{house.one}/users/{found['id']}/sessions")[0] == 404


def test_another_role_or_password_ends_all_sessions(
    page: Page, client: TestClient, house: House, ann: dict[str, object]
) -> None:
    admin = Desk(client, house.admin_of_one)
    user = f"/{house.one}/users/{ann['id']}"
    assert admin("PATCH", user, {"name": "Ann"}, if_match="*")[0] == 200
    assert page("GET", "/me") == 200
    assert admin("PATCH", user, {"role": "member"}, if_match="*")[0] == 200
    until(lambda: page("GET", "/me") == 401, 2)
    page = Page(client)
    assert admin("PUT", f"{user}/password", {"password": PASSWORD})[0] == 204
    until(lambda: page("GET", "/me") == 401, 2)


def test_who_changes_the_own_password_goes_on_under_a_new_secret(page: Page, client: TestClient, house: House) -> None:
    other, former = Page(client), page.secret
    body = {"former": PASSWORD, "password": "a wholly new one"}
    assert page("PUT", "/me/password", {**body, "former": "wrong"}) == 422
    assert page.last.json()["code"] == "wrong_password"
    assert page("PUT", "/me/password", body) == 204
    assert page.secret != former
    assert page("GET", "/me") == 200
    until(lambda: other("GET", "/me") == 401, 2)
    page.secret = former
    until(lambda: page("GET", "/me") == 401, 2)
    told = client.put("/api/v1/me/password", json=body, headers=House.bearer(house.member_of_one))
    assert (told.status_code, told.json()["code"]) == (422, "wrong_password")  # has none


def test_a_key_with_scopes_does_not_touch_its_user_s_account(
    client: TestClient, house: House, ann: dict[str, object]
) -> None:
    admin = Desk(client, house.operator)
    status, made = admin("POST", f"/{house.one}/users/{ann['id']}/keys", {"name": "k", "scopes": ["ask"]})
    assert status == 201
    for verb, path in (("GET", "/me/sessions"), ("DELETE", "/me/sessions")):
        assert client.request(verb, f"/api/v1{path}", headers=House.bearer(made["key"])).status_code == 403


def test_suspending_ends_every_kind_of_credential(
    page: Page, client: TestClient, house: House, ann: dict[str, object]
) -> None:
    """The second way in that was forgotten: a key, a session, a password, each of a user and of a whole tenant.

    A directory's token is its administrator's, and falls with the tenant.
    """
    key = client.post("/api/v1/login", json=LOGIN).json()["key"]
    admin = Desk(client, house.operator)
    for suspended in (f"/{house.one}/users/{ann['id']}", f"/{house.one}"):
        for state, expected in (("suspend", 401), ("resume", 200)):
            assert admin("POST", f"{suspended}/{state}")[0] == 200
            until(partial(_is, lambda: page("GET", "/me"), expected), 2)
            until(partial(_is, lambda: status_of(client, key), expected), 2)
            of_directory = expected if suspended == f"/{house.one}" else 200
            until(partial(_is, lambda: status_of(client, house.scim_of_one, "/scim/v2/Users"), of_directory), 2)
            again = client.post("/api/v1/login", json={**LOGIN, "session": True})
            client.cookies.clear()
            assert again.status_code == {401: 401, 200: 201}[expected]


def _is(status: Callable[[], int], expected: int) -> bool:
    return status() == expected


def test_secrets_of_sessions_are_independent_and_long() -> None:
    """No token is derived from an id, or from another token in a way that leads back."""
    made = [crypto.token(cookies.SESSION_PREFIX) for _ in range(200)]
    assert len(set(made)) == 200
    assert {len(secret) for secret in made} == {len("se-") + 43}  # 256 bits in base64
    assert all(cookies.csrf(secret)[:8] not in secret for secret in made)


def test_sessions_of_long_ago_are_forgotten(page: Page, databases: Databases, later: list[timedelta]) -> None:
    with databases.system.session() as session:
        assert sessions.forget(session, timedelta(days=30)) == 0
    later.append(timedelta(days=31))
    with databases.system.session() as session:
        assert sessions.forget(session, timedelta(days=30)) == 1
