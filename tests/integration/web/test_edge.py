"""The web's edge: who gets in, what an error looks like, what is recorded of a refusal."""

import json
import re
from uuid import UUID

from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry import edge, web
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from tests.integration.web.conftest import House

ROUTES = [route for route in web.describe().routes if isinstance(route, APIRoute)]
CLOSED = [(verb, route.path) for route in ROUTES for verb in route.methods if route.path not in web.UNAUTHENTICATED]


def test_every_route_but_the_listed_ones_asks_for_a_key(client: TestClient) -> None:
    for verb, path in CLOSED:
        filled = re.sub(r"{\w+}", str(uuid7()), path)
        for value in (None, "Bearer sk-none", "Basic eDp5", "Bearer "):
            answer = client.request(verb, filled, headers={"Authorization": value} if value else {}, json={})
            assert answer.status_code == 401, (verb, path, value, answer.text)
            assert answer.headers["content-type"] == (edge.SCIM if path.startswith("/scim/") else edge.PROBLEM)
            assert answer.headers["www-authenticate"] == "Bearer"


SQL = ["' or '1'='1", "'; drop table users; --", '" or ""="', "\\' or 1=1 #", "sk-x') or ('a'='a", "%27%20or%201=1"]


HEADERS = ("Authorization", "X-Api-Key", "Api-Key", "X-CSRF-Token", "X-Request-Id", "Idempotency-Key", "Cookie")


def test_sql_in_a_header_finds_no_key(client: TestClient, house: House) -> None:
    for header in HEADERS:
        for injected in SQL:
            value = f"Bearer {injected}" if header == "Authorization" else injected
            assert client.get("/api/v1/me", headers={header: value}).status_code == 401, (header, value)
    assert client.get("/api/v1/me", headers=House.bearer(house.operator)).status_code == 200


def test_healthz_needs_nothing_and_readyz_says_what_is_missing(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "waiting for index"}


def test_status_names_each_part(client: TestClient, house: House) -> None:
    answer = client.get("/api/v1/status", headers=House.bearer(house.member_of_one)).json()
    states = {part["name"]: part["state"] for part in answer["parts"]}
    assert states["database"] == "ready"
    assert states["index"] == states["encoder"] == "down"


def test_an_error_is_a_problem_document_with_the_request_s_id(client: TestClient, house: House) -> None:
    answer = client.get("/nowhere", headers={"x-request-id": "my-request-1"})
    assert answer.status_code == 404
    assert answer.headers["x-request-id"] == "my-request-1"
    assert answer.json()["code"] == "not_found"
    answer = client.get("/nowhere", headers={"x-request-id": "bad id\twith spaces"})
    assert answer.headers["x-request-id"] != "bad id\twith spaces"
    answer = client.put("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    answer = client.post("/api/v1/tenants", headers=House.bearer(house.operator), json={"name": "", "extra": 1})
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    assert {fault["where"] for fault in answer.json()["faults"]} == {"body.name", "body.extra"}
    answer = client.post("/api/v1/tenants", headers=House.bearer(house.operator), content=b"{not json")
    assert answer.status_code == 422


def test_answers_are_not_stored_sniffed_or_framed(client: TestClient) -> None:
    headers = client.get("/healthz").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in client.get("/healthz", headers={"Origin": "http://x"}).headers


def test_a_refusal_is_recorded(client: TestClient, house: House, databases: Databases) -> None:
    answer = client.post("/api/v1/tenants", headers=House.bearer(house.member_of_one), json={"name": "mine"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    with databases.operator.session() as session:
        rows = session.execute(text("select tenant_id, action from audit_entries where outcome = 'refused'")).all()
    assert [(row[0], row[1]) for row in rows] == [(house.one, "POST /api/v1/tenants")]


def test_an_unexpected_error_tells_nothing_but_the_request_id(settings: Settings, house: House) -> None:
    app = web.build(settings)

    def fail(_token: str) -> None:
        raise RuntimeError("secret detail")

    app.state.authenticate = fail
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/me", headers=House.bearer("x"))
    assert answer.status_code == 500
    assert answer.json()["code"] == "broken"
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert "secret" not in answer.text


def test_a_database_that_is_away_is_a_503(settings: Settings, house: House) -> None:
    app = web.build(settings)
    app.state.databases.system.engine.dispose()
    (settings.layout.run / "postgres.host").write_text(str(settings.data))
    lost = web.build(settings)
    with TestClient(lost, raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/me", headers=House.bearer(house.operator))
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
    assert (answer.status_code, answer.json()["code"]) == (503, "database_down")
    assert answer.headers["retry-after"] == "2"


def test_sign_in_tenants_users_and_keys_by_api(client: TestClient, house: House) -> None:
    operator = House.bearer(house.operator)
    signed = client.post("/api/v1/login", json={"token": house.sign_in, "password": "correct horse battery"})
    assert signed.status_code == 201
    assert client.post("/api/v1/login", json={"token": house.sign_in}).status_code == 401
    again = client.post("/api/v1/login", json={"login": "operator", "password": "correct horse battery"})
    me = client.get("/api/v1/me", headers=House.bearer(again.json()["key"])).json()
    assert me["role"] == "operator"
    assert client.post("/api/v1/login", json={"login": "operator"}).status_code == 422

    tenant = client.post("/api/v1/tenants", headers=operator, json={"name": "three"}).json()
    assert client.post("/api/v1/tenants", headers=operator, json={"name": "three"}).status_code == 409
    listed = client.get("/api/v1/tenants", headers=operator, params={"limit": 2}).json()
    rest = client.get("/api/v1/tenants", headers=operator, params={"cursor": listed["next_cursor"]}).json()
    assert tenant in listed["items"] + rest["items"]

    users = f"/api/v1/tenants/{tenant['id']}/users"
    user = client.post(users, headers=operator, json={"login": "ann", "name": "Ann"}).json()
    assert client.get(users, headers=operator).json()["items"] == [user]
    key = client.post(f"{users}/{user['id']}/keys", headers=operator, json={"name": "k"}).json()["key"]
    me = client.get("/api/v1/me", headers=House.bearer(key)).json()
    assert UUID(me["tenant_id"]) == UUID(tenant["id"])
    unknown = client.post(f"{users}/{uuid7()}/keys", headers=operator, json={"name": "k"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "user_not_found")


def test_a_refused_create_changes_nothing(client: TestClient, house: House, databases: Databases) -> None:
    before = client.get("/api/v1/tenants", headers=House.bearer(house.operator)).json()
    bodies: list[object] = [{"name": "x" * 201}, {"name": "a\x00b"}, {"name": 7}, [], "x", None]
    for body in bodies:
        answer = client.post("/api/v1/tenants", headers=House.bearer(house.operator), content=json.dumps(body))
        assert answer.status_code == 422, body
    assert client.get("/api/v1/tenants", headers=House.bearer(house.operator)).json() == before
