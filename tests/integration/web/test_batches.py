"""Batches over HTTP: what is counted, who is told, and what takes no more files."""

from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.kit.ids import uuid7
from tests.integration.web.conftest import House

Headers = dict[str, str]


@pytest.fixture
def me(house: House) -> Headers:
    return House.bearer(house.member_of_one)


@pytest.fixture
def where(client: TestClient, me: Headers) -> str:
    found: str = client.post("/api/v1/collections", json={"name": "handbook"}, headers=me).json()["id"]
    return found


def begin(client: TestClient, headers: Headers, where: str, files: int | None = None) -> str:
    told = client.post("/api/v1/batches", json={"collection_id": where, "files": files}, headers=headers)
    assert told.status_code == 201, told.text
    found: str = told.json()["id"]
    return found


def upload(client: TestClient, headers: Headers, where: str, name: str, batch: str) -> Any:  # noqa: ANN401 - an answer
    path = f"/api/v1/collections/{where}/documents"
    return client.post(path, files={"file": (name, b"# " + name.encode())}, data={"batch": batch}, headers=headers)


def show(client: TestClient, headers: Headers, batch: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/api/v1/batches/{batch}", headers=headers).json()
    return told


def test_a_batch_is_counted_by_state_and_ends(
    client: TestClient, house: House, databases: Databases, me: Headers, where: str
) -> None:
    batch = begin(client, me, where, 20)
    for number in range(12):
        assert upload(client, me, where, f"{number}.md", batch).status_code == 202
    told = show(client, me, batch)
    assert (told["states"], told["total"], told["left"], told["pace"]) == ({"queued": 12}, 20, 20, None)
    with databases.app.session(house.one) as session:  # as the projector does, one a moment
        for number in range(8):
            done = "update documents set state = 'ready' where name = :name"
            session.execute(text(done), {"name": f"{number}.md"})
            session.execute(text("select pg_sleep(0.02)"))
    told = show(client, me, batch)
    assert (told["states"], told["left"]) == ({"queued": 4, "ready": 8}, 12)
    pace = told["pace"]
    assert pace["measured"] == 8
    assert 0 < pace["per_minute"] < 60 / 0.02
    assert pace["earliest"] <= pace["done_at"] <= pace["latest"]
    again = upload(client, me, where, "0.md", batch).json()
    assert again["unchanged"]
    told = show(client, me, batch)
    assert (told["unchanged"], told["total"], told["left"]) == (1, 20, 11)
    ended = client.post(f"/api/v1/batches/{batch}/end", headers=me).json()
    assert (ended["total"], ended["left"], bool(ended["ended_at"])) == (13, 4, True)
    assert client.post(f"/api/v1/batches/{batch}/end", headers=me).json()["ended_at"] == ended["ended_at"]
    refused = upload(client, me, where, "late.md", batch)
    assert (refused.status_code, refused.json()["code"]) == (409, "batch_ended")


def test_a_batch_is_told_to_who_began_it_and_to_administrators(
    client: TestClient, house: House, me: Headers, where: str
) -> None:
    admin, other = House.bearer(house.admin_of_one), House.bearer(house.admin_of_two)
    batch, theirs = begin(client, me, where), begin(client, admin, where)
    listed = {
        name: client.get("/api/v1/batches", headers=who).json()["items"]
        for name, who in (("me", me), ("admin", admin), ("other", other))
    }
    assert {name: [item["id"] for item in items] for name, items in listed.items()} == {
        "me": [batch],
        "admin": [theirs, batch],
        "other": [],
    }
    for way, verb in (("", "GET"), ("/end", "POST")):
        answer = client.request(verb, f"/api/v1/batches/{theirs}{way}", headers=me)
        assert (answer.status_code, answer.json()["code"]) == (404, "batch_not_found")
    assert upload(client, admin, where, "a.md", batch).json()["code"] == "batch_not_found", "another's"
    second: str = client.post("/api/v1/collections", json={"name": "second"}, headers=me).json()["id"]
    assert upload(client, me, second, "a.md", batch).json()["code"] == "batch_not_found", "another collection's"
    assert upload(client, me, where, "a.md", str(uuid7())).status_code == 404
    gone = client.post("/api/v1/batches", json={"collection_id": str(uuid7())}, headers=me)
    assert gone.json()["code"] == "collection_not_found"
    page = client.get("/api/v1/batches?limit=1", headers=admin).json()
    assert page["next_cursor"]
    rest = client.get(f"/api/v1/batches?limit=1&cursor={page['next_cursor']}", headers=admin).json()
    assert [item["id"] for item in rest["items"]] == [batch]
