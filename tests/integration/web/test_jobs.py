"""Whose jobs a person sees: their own and those of documents that they may read; an administrator all."""

from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.access.permissions import Action
from appliance.access.principal import Role, UserId
from appliance.access.web import Databases
from appliance.tenants.keys import Limits
from appliance.tenants.service import Tenants
from tests.integration.web.conftest import House

Headers = dict[str, str]


@pytest.fixture
def other(house: House, databases: Databases) -> Headers:
    """A second editor of the first tenant."""
    with databases.operator.session() as session:
        people = Tenants(session).people(house.one)
        return House.bearer(people.issue_key(UserId(people.add("other", "Other", Role.EDITOR).id), "test"))


def collection(client: TestClient, headers: Headers, name: str = "handbook") -> str:
    found: str = client.post("/api/v1/collections", json={"name": name}, headers=headers).json()["id"]
    return found


def upload(client: TestClient, headers: Headers, where: str, name: str) -> dict[str, Any]:
    path = f"/api/v1/collections/{where}/documents"
    told: dict[str, Any] = client.post(path, files={"file": (name, b"# Leave")}, headers=headers).json()
    return told


def jobs(client: TestClient, headers: Headers) -> set[str]:
    return {item["id"] for item in client.get("/api/v1/jobs", headers=headers).json()["items"]}


def test_jobs_are_told_to_who_asked_and_to_who_may_read_and_to_administrators(
    client: TestClient, house: House, other: Headers
) -> None:
    me, admin = House.bearer(house.member_of_one), House.bearer(house.admin_of_one)
    where = collection(client, me)
    opened, closed = (upload(client, me, where, name) for name in ("open.md", "closed.md"))
    user = client.get("/api/v1/me", headers=me).json()["user_id"]
    path = f"/api/v1/documents/{closed['document']['id']}/access"
    shared = client.put(path, json={"users": [user]}, headers=admin)
    assert shared.status_code == 200, shared.text
    both = {opened["job"], closed["job"]}
    assert jobs(client, me) == jobs(client, admin) == both
    assert jobs(client, other) == {opened["job"]}
    assert jobs(client, House.bearer(house.admin_of_two)) == set()
    assert client.get(f"/api/v1/jobs/{opened['job']}", headers=other).status_code == 200
    for way in ("", "/events"):
        refused = client.get(f"/api/v1/jobs/{closed['job']}{way}", headers=other)
        assert (refused.status_code, refused.json()["code"]) == (404, "job_not_found")
    assert client.post(f"/api/v1/jobs/{closed['job']}/cancel", headers=other).status_code == 404
    assert client.get(f"/api/v1/jobs/{closed['job']}", headers=me).json()["state"] == "queued"
    client.put(path, json={"everyone": True}, headers=admin)
    assert jobs(client, other) == both
    client.put(path, json={"users": []}, headers=admin)
    assert jobs(client, me) == both, "what one asked for oneself"
    deleted = client.delete(f"/api/v1/documents/{opened['document']['id']}", headers=me).json()["job"]
    assert deleted in jobs(client, other)
    gone = client.delete(f"/api/v1/collections/{collection(client, me, 'empty')}", headers=me).json()["job"]
    assert gone in jobs(client, me) & jobs(client, admin)
    assert gone not in jobs(client, other)


def test_a_key_of_an_administrator_for_jobs_alone_sees_as_a_member_does(
    client: TestClient, house: House, databases: Databases
) -> None:
    me, admin = House.bearer(house.member_of_one), House.bearer(house.admin_of_one)
    told = upload(client, me, collection(client, me), "closed.md")
    client.put(f"/api/v1/documents/{told['document']['id']}/access", json={"users": []}, headers=admin)
    owner = UUID(client.get("/api/v1/me", headers=admin).json()["user_id"])
    seen = []
    for scopes in ({Action.READ_JOBS}, {Action.READ_JOBS, Action.READ_ALL_JOBS}):
        with databases.operator.session() as session:
            made = Tenants(session).keys(house.one).create(UserId(owner), "jobs", Limits(scopes=frozenset(scopes)))
        seen.append(jobs(client, House.bearer(made.secret)))
    assert seen == [set(), {told["job"]}]
