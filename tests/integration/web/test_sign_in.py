"""Signing in: what is written down of a refusal, what a stranger can learn or use up, what a suspension ends."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.kit import log
from appliance.tenants import passwords
from appliance.tenants.authentication import Authenticator
from tests.integration.web.conftest import House

PASSWORD = "correct horse battery"


def _refusals(databases: Databases) -> list[tuple[object, ...]]:
    query = text(
        "select t.name, a.action, a.details ->> 'how', a.request_id, u.login from audit_entries a"
        " join tenants t on t.id = a.tenant_id join users u on u.id::text = a.object where a.outcome = 'refused'"
    )
    with databases.operator.session() as session:
        return [tuple(row) for row in session.execute(query)]


def test_a_refused_sign_in_is_recorded_and_tells_a_stranger_nothing(
    client: TestClient, house: House, databases: Databases
) -> None:
    client.post("/api/v1/login", json={"token": house.sign_in, "password": PASSWORD})
    ours = {"x-request-id": "refused-1"}
    known = client.post("/api/v1/login", json={"login": "operator", "password": "wrong"}, headers=ours)
    unknown = client.post("/api/v1/login", json={"login": "nobody", "password": "wrong"}, headers=ours)
    token = client.post("/api/v1/login", json={"token": "in-wrong"}, headers=ours)
    assert known.json() == unknown.json() == token.json()
    assert (known.status_code, known.json()["code"]) == (401, "bad_credential")
    assert _refusals(databases) == [("home", "sign_in", "password", "refused-1", "operator")]


def test_a_one_time_token_sets_no_password_that_can_be_guessed(client: TestClient, house: House) -> None:
    for short in ("a", "12345678901"):
        told = client.post("/api/v1/login", json={"token": house.sign_in, "password": short})
        assert (told.status_code, told.json()["code"]) == (422, "invalid_request")
    assert client.post("/api/v1/login", json={"token": house.sign_in, "password": PASSWORD}).status_code == 201


def test_many_sign_ins_at_once_take_neither_memory_nor_connections_from_others(
    client: TestClient, house: House
) -> None:
    with ExitStack() as busy:
        for _ in range(passwords.AT_ONCE):
            busy.enter_context(passwords.turn())
        told = client.post("/api/v1/login", json={"login": "operator", "password": PASSWORD})
        assert (told.status_code, told.json()["code"], told.headers["retry-after"]) == (503, "sign_ins_busy", "2")
        assert client.get("/api/v1/me", headers=House.bearer(house.operator)).status_code == 200
    assert client.post("/api/v1/login", json={"login": "operator", "password": PASSWORD}).status_code == 401


def test_a_key_a_password_and_a_token_do_not_stand_for_each_other(client: TestClient, house: House) -> None:
    for wrong in (house.sign_in, PASSWORD, "operator"):
        assert client.get("/api/v1/me", headers=House.bearer(wrong)).status_code == 401
    for wrong in (house.operator, house.member_of_one, PASSWORD):
        assert client.post("/api/v1/login", json={"token": wrong}).status_code == 401
        assert client.post("/api/v1/login", json={"login": "operator", "password": wrong}).status_code == 401


def test_a_suspension_ends_every_way_in(client: TestClient, house: House, databases: Databases) -> None:
    signed = client.post("/api/v1/login", json={"token": house.sign_in, "password": PASSWORD}).json()
    operator = {"login": "operator", "password": PASSWORD}
    ways: dict[str, Callable[[], int]] = {
        "first key": lambda: client.get("/api/v1/me", headers=House.bearer(house.operator)).status_code,
        "new key": lambda: client.get("/v1/models", headers=House.bearer(signed["key"])).status_code,
        "password": lambda: client.post("/api/v1/login", json=operator).status_code,
    }
    for table in ("users", "tenants"):
        for state, expected in (("suspended", {401}), ("active", {200, 201})):
            _set(databases, table, state)
            _later(client, databases)
            assert {name: way() for name, way in ways.items() if way() not in expected} == {}, (table, state)


def _set(databases: Databases, table: str, state: str) -> None:
    changes = {
        "users": text("update users set state = :state"),
        "tenants": text("update tenants set state = :state"),
    }
    with databases.operator.session() as session:
        session.execute(changes[table], {"state": state})


def _later(client: TestClient, databases: Databases) -> None:
    """Two seconds pass: what was remembered of a key is not believed any more."""
    vars(client.app)["state"].authenticate = Authenticator(databases.system)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What our own code logs meanwhile."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    log.configure("test", "DEBUG", stream)
    yield stream
    structlog.contextvars.unbind_contextvars("process")
    root.handlers = handlers
    root.setLevel(level)


def test_no_secret_reaches_the_log(client: TestClient, house: House, logged: io.StringIO) -> None:
    signed = client.post("/api/v1/login", json={"token": house.sign_in, "password": PASSWORD}).json()
    client.post("/api/v1/login", json={"login": "operator", "password": PASSWORD + "x"})
    client.get("/api/v1/me", headers=House.bearer(signed["key"]))
    client.get("/api/v1/me", headers=House.bearer("sk-" + "guessed" * 6), params={"key": signed["key"]})
    client.get("/api/v1/documents", headers=House.bearer(signed["key"]), params={"state": "hush\x00"})
    told = [line for line in logged.getvalue().splitlines() if "source" in json.loads(line)]  # the client has none
    assert len(told) >= len(("login", "login", "me", "me", "documents"))
    for secret in (house.sign_in, PASSWORD, signed["key"], "guessed", "hush"):
        assert not [line for line in told if secret in line], secret


def test_an_error_of_the_database_names_no_value_that_was_bound(databases: Databases) -> None:
    with pytest.raises(DBAPIError) as told, databases.app.session() as session:
        session.execute(text("select 1 / length(:nothing), :secret"), {"nothing": "", "secret": "a customer's text"})
    assert "a customer's text" not in str(told.value)
