"""A stream ends with its caller's right, whoever takes it away and however: with a real web process and engine."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import text

from appliance.access import cookies
from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.serving.deployments import Deployment
from appliance.serving.routes import DEFAULT
from appliance.tenants.service import Tenants
from tests.factories.processes import until
from tests.integration.conftest import Cluster
from tests.integration.serving.conftest import Engines, Gateway
from tests.integration.serving.test_gateway import PATH, seen

LONG = "pause: 0.05\nsay: " + "word " * 2000
"""More than a minute and a half of an answer."""
AT_ONCE = 2.0
PASSWORD = "correct horse battery"


def _asked(*, stream: bool) -> dict[str, object]:
    return {"model": DEFAULT, "messages": [{"role": "user", "content": LONG}], "stream": stream}


def _sql(databases: Databases, statement: str) -> None:
    with databases.operator.session() as session:
        session.execute(text(statement))


GROUP = """
    insert into groups (id, tenant_id, name) select gen_random_uuid(), id, 'g' from tenants where name = 'one';
    insert into group_members (tenant_id, group_id, user_id) select g.tenant_id, g.id, u.id
    from groups g join users u on u.tenant_id = g.tenant_id where u.login = 'member of one'
"""
WAYS = {
    "key": "update api_keys set revoked_at = now()",
    "user": "update users set state = 'suspended' where login = 'member of one'",
    "tenant": "update tenants set state = 'suspended' where name = 'one'",
    "role": "update users set role = 'auditor' where login = 'member of one'",
    "group": GROUP,
}


@contextmanager
def _reading(answer: httpx.Response) -> Iterator[list[str]]:
    """The lines of a stream, as they come, read by a thread."""
    lines: list[str] = []
    thread = threading.Thread(target=lambda: lines.extend(filter(None, answer.iter_lines())))
    thread.start()
    try:
        yield lines
    finally:
        thread.join(20)
        assert not thread.is_alive(), "the stream did not end"


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_ends_with_the_right_to_it(
    engines: Engines, engine: Deployment, gateway: Gateway, databases: Databases, way: str
) -> None:
    with gateway.client() as client, client.stream("POST", PATH, json=_asked(stream=True)) as answer:
        assert answer.status_code == 200
        with _reading(answer) as lines:
            until(lambda: len(lines) > 3)
            _sql(databases, WAYS[way])
            begun = time.monotonic()
            until(lambda: "credential_ended" in lines[-1], AT_ONCE)
            assert time.monotonic() - begun < AT_ONCE
        told = json.loads(lines[-1].removeprefix("data: "))
        assert told["error"]["code"] == "credential_ended"
    until(lambda: seen(engines, engine)["aborted"] == 1)  # the engine works no more for somebody who gets nothing


def test_an_answer_that_is_not_streamed_is_not_given_either(
    engines: Engines, engine: Deployment, gateway: Gateway, databases: Databases
) -> None:
    answers: list[httpx.Response] = []
    with gateway.client() as client:
        asking = threading.Thread(target=lambda: answers.append(client.post(PATH, json=_asked(stream=False))))
        asking.start()
        until(lambda: seen(engines, engine)["running"] == 1)
        _sql(databases, WAYS["user"])
        asking.join(AT_ONCE)
        assert not asking.is_alive()
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (401, "credential_ended")


def test_a_session_s_stream_ends_with_it_and_nobody_else_s(
    engine: Deployment, gateway: Gateway, databases: Databases
) -> None:
    with databases.operator.session() as session:
        operators = Tenants(session)
        home = operators.list(None, 1).items[0]
        operators.people(home.id).add("ann", "Ann", Role.TENANT_ADMIN, PASSWORD)
    with httpx.Client(base_url=gateway.url, timeout=30) as page, gateway.client() as other:
        login = {"login": "ann", "password": PASSWORD, "session": True}
        csrf = page.post("/api/v1/login", json=login).json()["csrf"]
        body = _asked(stream=True)
        with (
            page.stream("POST", PATH, json=body, headers={cookies.HEADER: csrf}) as mine,
            other.stream("POST", PATH, json=body) as theirs,
            _reading(mine) as lines,
        ):
            until(lambda: len(lines) > 3)
            with httpx.Client(base_url=gateway.url, cookies=page.cookies) as same:
                assert same.post("/api/v1/logout", headers={cookies.HEADER: csrf}).status_code == 204
            until(lambda: "credential_ended" in lines[-1], AT_ONCE)
            words = theirs.iter_lines()
            assert all("credential_ended" not in next(words) for _ in range(100))


def test_a_stream_ends_when_its_key_expires(engine: Deployment, gateway: Gateway, databases: Databases) -> None:
    _sql(databases, "update api_keys set expires_at = now() + interval '1 second'")
    with gateway.client() as client, client.stream("POST", PATH, json=_asked(stream=True)) as answer:
        assert answer.status_code == 200
        with _reading(answer) as lines:
            until(lambda: bool(lines) and "credential_ended" in lines[-1], 1 + AT_ONCE)


def test_a_stream_ends_though_the_bell_was_not_heard(
    engine: Deployment, gateway: Gateway, databases: Databases, postgres: Cluster
) -> None:
    """Its connection is lost at the very moment of the suspension: what was missed is looked up."""
    lost = "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen \"credentials\"'"
    body = _asked(stream=True)
    with gateway.client() as client, client.stream("POST", PATH, json=body) as answer, _reading(answer) as lines:
        until(lambda: len(lines) > 3)
        with postgres.superuser() as connection:
            assert connection.execute(lost).fetchall()
        _sql(databases, WAYS["user"])
        until(lambda: "credential_ended" in lines[-1], AT_ONCE)
