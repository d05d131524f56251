"""One-time codes: enrolled, asked for at each sign-in by password, taken once, counted, and what a tenant requires."""

import threading
from base64 import b32decode
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.kit import clock
from appliance.tenants import bootstrap, totp
from appliance.tenants.lockout import PAIR
from tests.factories.processes import until
from tests.integration.web.authenticator import App, enrol, login
from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD, Desk, add
from tests.integration.web.page import LOGIN, Page

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The clock stands still but where a test moves it."""
    at = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: at[0])
    return at


@pytest.fixture
def ann(client: TestClient, house: House) -> dict[str, Any]:
    return add(Desk(client, house.operator), house.one, "ann", role="editor", password=PASSWORD)


@pytest.fixture
def page(client: TestClient, ann: dict[str, Any]) -> Page:
    return Page(client)


@pytest.fixture
def app(page: Page, now: list[datetime]) -> App:
    """Ann's, confirmed."""
    return enrol(page, now)


def test_the_secret_is_shown_once_and_lies_sealed(page: Page, databases: Databases, client: TestClient) -> None:
    assert page("PUT", "/me/totp") == 200
    told = page.last.json()
    secret = b32decode(told["secret"])
    assert parse_qs(urlsplit(told["uri"]).query)["secret"] == [told["secret"]]
    assert (page("GET", "/me/totp"), page.last.json()) == (200, {"enrolled": False, "recovery_codes_left": 0})
    assert login(client)[0] == 201  # nothing is asked for before it is confirmed
    with databases.operator.session() as session:
        (row,) = session.execute(text("select secret, recovery from second_factors")).all()
        audited = session.execute(text("select details::text from audit_entries")).scalars().all()
    assert secret not in row.secret
    typed = {totp.typed(code).encode() for code in told["recovery_codes"]}
    assert not typed & set(row.recovery)
    assert not any(told["secret"] in line or told["recovery_codes"][0] in line for line in audited)


def test_it_is_in_force_by_a_right_code_alone_and_other_sessions_end(
    page: Page, client: TestClient, now: list[datetime]
) -> None:
    assert (page("POST", "/me/totp/confirm", {"code": "123456"}), page.last.json()["code"]) == (404, "no_second_factor")
    other = Page(client)
    assert page("PUT", "/me/totp") == 200
    first = App(page.last.json(), now)
    assert page("PUT", "/me/totp") == 200  # once more: the former secret is worth nothing
    second = App(page.last.json(), now)
    assert (page("POST", "/me/totp/confirm", {"code": first.code()}), page.last.json()["code"]) == (422, "wrong_code")
    assert other("GET", "/me") == 200
    assert page("POST", "/me/totp/confirm", {"code": second.same()}) == 200
    until(lambda: other("GET", "/me") == 401, 2)
    assert page("GET", "/me") == 200
    for verb, path, body in (("PUT", "/me/totp", None), ("POST", "/me/totp/confirm", {"code": second.code()})):
        assert (page(verb, path, body), page.last.json()["code"]) == (409, "second_factor_there")


def test_a_sign_in_asks_for_a_code_and_takes_each_once(app: App, client: TestClient, databases: Databases) -> None:
    assert login(client, code=app.same())[1]["code"] == "code_needed"  # it confirmed, and is used
    code = app.code()
    status, told = login(client, code=f"{code[:3]} {code[3:]}")
    assert status == 201
    assert told["key"].startswith("sk-")
    assert login(client, code=code)[0] == 401
    with databases.operator.session() as session:
        how = text("select details ->> 'how' from audit_entries where action = 'sign_in' and outcome = 'done'")
        assert "password and code" in session.execute(how).scalars().all()


def test_of_two_who_come_with_one_code_at_once_one_is_let_in(app: App, client: TestClient) -> None:
    code, told = app.code(), []

    def come() -> None:
        while (came := client.post("/api/v1/login", json={**LOGIN, "code": code}).status_code) == 503:
            pass  # too many at once: it comes again, as people do
        told.append(came)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(told) == {201, 401}
    assert told.count(201) == 1


def test_a_recovery_code_lets_in_once(app: App, client: TestClient, page: Page) -> None:
    code = app.recovery[3].lower().replace("-", " ")
    assert login(client, code=code)[0] == 201
    assert login(client, code=code)[1]["code"] == "code_needed"
    page("GET", "/me/totp")
    assert page.last.json() == {"enrolled": True, "recovery_codes_left": 9}


def test_a_missing_a_wrong_and_a_used_code_get_one_answer_and_a_wrong_password_another(
    app: App, client: TestClient, ann: dict[str, Any]
) -> None:
    missing = login(client)
    assert missing[0] == 401
    plain = {name: value for name, value in missing[1].items() if name not in ("request_id", "instance")}
    assert plain["code"] == "code_needed"
    for wrong in ("000000", app.same(), "x", "ABCD-EFGH-IJKL-MNOP"):
        told = login(client, code=wrong)[1]
        assert {name: told.get(name) for name in plain} == plain
    assert login(client, password="wrong", code=app.code())[1]["code"] == "bad_credential"


def test_wrong_codes_are_counted_as_wrong_passwords_are_and_asking_is_not(app: App, client: TestClient) -> None:
    for _ in range(3 * PAIR.free):
        assert login(client)[1]["code"] == "code_needed"
    for _ in range(PAIR.free):
        assert login(client, code="000000")[1]["code"] == "code_needed"
    assert login(client, code=app.same())[1]["code"] == "sign_in_blocked"
    assert login(client, code=app.code())[0] == 201  # half a minute later


def test_to_ask_for_a_code_forgives_no_wrong_one(app: App, client: TestClient) -> None:
    for _ in range(PAIR.free):
        assert login(client, code="000000")[0] == 401
        last = login(client)[0]
    assert last == 429


def test_to_disable_it_takes_the_password_and_a_code(app: App, page: Page, client: TestClient) -> None:
    for body, code in (
        ({"password": "wrong", "code": app.code()}, "bad_credential"),
        ({"password": PASSWORD, "code": "000000"}, "code_needed"),
    ):
        assert (page("POST", "/me/totp/disable", body), page.last.json()["code"]) == (401, code)
    assert login(client)[1]["code"] == "code_needed"
    assert page("POST", "/me/totp/disable", {"password": PASSWORD, "code": app.code()}) == 204
    assert login(client)[0] == 201
    body = {"password": PASSWORD, "code": app.code()}
    assert (page("POST", "/me/totp/disable", body), page.last.json()["code"]) == (404, "no_second_factor")


def test_an_administrator_takes_it_away_from_another_and_it_is_recorded(
    app: App, page: Page, client: TestClient, house: House, ann: dict[str, Any], databases: Databases
) -> None:
    path = f"/{house.one}/users/{ann['id']}/totp"
    for key, status in ((house.member_of_one, 403), (house.admin_of_two, 404), (house.scim_of_one, 403)):
        assert Desk(client, key)("DELETE", path)[0] == status
    assert login(client)[1]["code"] == "code_needed"
    admin = Desk(client, house.admin_of_one)
    assert admin("DELETE", path)[0] == 204
    until(lambda: page("GET", "/me") == 401, 2)
    assert login(client)[0] == 201
    assert admin("DELETE", path)[1]["code"] == "no_second_factor"
    assert admin("DELETE", f"/{house.one}/users/{NOBODY}/totp")[1]["code"] == "user_not_found"
    with databases.operator.session() as session:
        query = text("select object from audit_entries where action = 'totp.reset' and outcome = 'done'")
        assert session.execute(query).scalars().all() == [ann["id"]]


def test_nobody_takes_the_own_one_away_without_password_and_code(
    client: TestClient, house: House, now: list[datetime]
) -> None:
    root = Desk(client, house.operator)
    chief = add(root, house.one, "ann", role="tenant_admin", password=PASSWORD)
    page = Page(client)
    enrol(page, now)
    assert page("DELETE", f"/tenants/{house.one}/users/{chief['id']}/totp") == 403
    assert page("GET", "/me/totp") == 200
    assert page.last.json()["enrolled"]


def test_root_of_the_machine_leads_back_who_lost_the_app(app: App, client: TestClient, databases: Databases) -> None:
    with databases.operator.session() as session:
        token = bootstrap.reset_sign_in(session, "ann")
    assert client.post("/api/v1/login", json={"token": token}).status_code == 201
    assert login(client)[0] == 201
