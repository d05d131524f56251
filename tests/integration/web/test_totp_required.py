"""A tenant that requires one-time codes: who has none may set them up and nothing else; keys and services go on."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from appliance.entry import web
from appliance.kit import clock
from tests.factories.processes import until
from tests.integration.web.authenticator import App, enrol, login
from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD, Desk, add, status_of
from tests.integration.web.page import Page

REQUIRED = {"settings": {"require_totp": True}}
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


def _routes() -> Iterator[tuple[str, str]]:
    for route in web.describe().routes:
        if isinstance(route, APIRoute) and route.path.startswith("/api/v1") and route.path not in web.UNAUTHENTICATED:
            for method in route.methods:
                yield method, re.sub(r"\{[^}]*\}", NOBODY, route.path.removeprefix("/api/v1"))


LEFT = {"/me", "/me/totp", "/me/totp/confirm", "/status"}
"""All that may be done, beside signing out, by who must enrol first."""


def _by_key(client: TestClient, key: str, method: str, path: str) -> int:
    return client.request(method, f"/api/v1{path}", json={}, headers=House.bearer(key)).status_code


def test_who_must_enrol_first_may_do_nothing_else(
    client: TestClient, house: House, ann: dict[str, Any], now: list[datetime]
) -> None:
    early = Page(client)
    root = Desk(client, house.operator)
    assert root("PATCH", f"/{house.one}", REQUIRED, if_match="*")[0] == 200
    page = Page(client)
    key = login(client)[1]["key"]
    assert client.get("/api/v1/me", headers=House.bearer(key)).json()["scopes"] == ["enrol"]
    for method, path in sorted(set(_routes()) - {("POST", "/logout")}):
        for status in (page(method, path, {}), _by_key(client, key, method, path)):
            assert (status != 403) == (path in LEFT), (method, path, status)
    asked = {"model": "default", "messages": [{"role": "user", "content": "Hello"}]}
    told = client.post("/v1/chat/completions", json=asked, headers=House.bearer(key))
    assert told.status_code == 403
    assert client.get("/v1/models", headers=House.bearer(key)).status_code == 403
    until(lambda: early("GET", "/conversations") == 403, 4)  # it was open before the tenant asked
    assert early.last.json()["code"] == "enrol_first"
    assert page("GET", "/conversations") == 403
    enrol(page, now)
    until(lambda: page("GET", "/conversations") == 200, 2)
    assert page("PUT", "/me/password", {"former": PASSWORD, "password": "a wholly new one"}) == 204


def test_a_key_to_enrol_with_sets_it_up_and_the_next_sign_in_is_whole(
    client: TestClient, house: House, ann: dict[str, Any], now: list[datetime]
) -> None:
    assert Desk(client, house.operator)("PATCH", f"/{house.one}", REQUIRED, if_match="*")[0] == 200
    bearer = House.bearer(login(client)[1]["key"])
    app = App(client.put("/api/v1/me/totp", headers=bearer).json(), now)
    told = client.post("/api/v1/me/totp/confirm", json={"code": app.code()}, headers=bearer)
    assert told.status_code == 200
    assert client.get("/api/v1/conversations", headers=bearer).status_code == 403
    whole = login(client, code=app.code())[1]["key"]
    assert status_of(client, whole, "/api/v1/conversations") == 200
    keys = Desk(client, house.operator)("GET", f"/{house.one}/users/{ann['id']}/keys")
    assert keys[0] in (200, 404, 405)
    now[0] += timedelta(hours=1)
    vars(client.app)["state"].credentials.forget()
    assert client.get("/api/v1/me", headers=bearer).status_code == 401


def test_keys_and_service_accounts_are_asked_for_no_code(client: TestClient, house: House) -> None:
    root = Desk(client, house.operator)
    assert root("PATCH", f"/{house.one}", REQUIRED, if_match="*")[0] == 200
    robot = add(root, house.one, "robot", role="editor", kind="service")
    status, made = root("POST", f"/{house.one}/users/{robot['id']}/keys", {"name": "k"})
    assert status == 201
    for key in (made["key"], house.member_of_one):
        assert status_of(client, key, "/api/v1/conversations") == 200
    told = client.put("/api/v1/me/totp", headers=House.bearer(made["key"]))
    assert told.status_code == 403


def test_a_key_with_scopes_does_not_touch_the_second_factor(
    client: TestClient, house: House, ann: dict[str, Any]
) -> None:
    made = Desk(client, house.operator)(
        "POST", f"/{house.one}/users/{ann['id']}/keys", {"name": "k", "scopes": ["ask"]}
    )[1]
    for verb, path in (("GET", "/me/totp"), ("PUT", "/me/totp"), ("POST", "/me/totp/disable")):
        told = client.request(
            verb, f"/api/v1{path}", json={"password": "x", "code": "1"}, headers=House.bearer(made["key"])
        )
        assert told.status_code == 403
    told_unknown = Desk(client, house.operator)(
        "POST", f"/{house.one}/users/{ann['id']}/keys", {"name": "k", "scopes": ["enrol"]}
    )
    assert told_unknown[0] == 422  # nobody makes a key with it
