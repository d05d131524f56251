"""Legal holds over HTTP: who places and sees them, and that a tenant with one is not deleted."""

import pytest
from starlette.testclient import TestClient

from tests.integration.web.conftest import House

LEAVE = b"# Leave\n"


@pytest.fixture
def document(client: TestClient, house: House) -> str:
    headers = House.bearer(house.member_of_one)
    made = client.post("/api/v1/collections", json={"name": "handbook"}, headers=headers).json()["id"]
    path = f"/api/v1/collections/{made}/documents"
    found: str = client.post(path, files={"file": ("leave.md", LEAVE)}, headers=headers).json()["document"]["id"]
    return found


def test_an_administrator_holds_and_the_operator_sees_and_nobody_deletes(
    client: TestClient, house: House, document: str
) -> None:
    path, admin = f"/api/v1/documents/{document}/hold", House.bearer(house.admin_of_one)
    member, operator = House.bearer(house.member_of_one), House.bearer(house.operator)
    assert client.put(path, json={"reason": "case 7"}, headers=member).status_code == 403
    assert client.put(path, json={"reason": ""}, headers=admin).status_code == 422
    placed = client.put(path, json={"reason": "case 7"}, headers=admin)
    assert placed.status_code == 200, placed.text
    for who, seen in ((admin, [placed.json()]), (operator, [placed.json()]), (House.bearer(house.admin_of_two), [])):
        assert client.get("/api/v1/holds", headers=who).json()["items"] == seen
    assert client.get("/api/v1/holds", headers=member).status_code == 403
    for other in (house.admin_of_two, house.operator):
        assert client.get(path, headers=House.bearer(other)).status_code == 404

    refused = client.delete(f"/api/v1/documents/{document}", headers=member)
    assert (refused.status_code, refused.json()["code"]) == (409, "under_hold")
    deletion = f"/api/v1/tenants/{house.one}/deletion"
    refused = client.post(deletion, headers=operator)
    assert (refused.status_code, refused.json()["code"]) == (409, "tenant_kept")
    assert client.get(f"/api/v1/tenants/{house.one}", headers=operator).json()["state"] == "active"
    assert client.post(f"/api/v1/tenants/{house.two}/deletion", headers=operator).status_code == 201

    assert client.delete(path, headers=admin).status_code == 204
    assert client.get(path, headers=admin).json()["code"] == "not_held"
    assert client.post(deletion, headers=operator).status_code == 201


def test_a_hold_that_came_after_the_request_stops_its_confirmation(
    client: TestClient, house: House, document: str
) -> None:
    operator, deletion = House.bearer(house.operator), f"/api/v1/tenants/{house.one}/deletion"
    token = client.post(deletion, headers=operator).json()["token"]
    client.post(f"/api/v1/tenants/{house.one}/resume", headers=operator)
    hold = client.put(
        f"/api/v1/documents/{document}/hold", json={"reason": "case 7"}, headers=House.bearer(house.admin_of_one)
    )
    assert hold.status_code == 200, hold.text
    client.post(f"/api/v1/tenants/{house.one}/suspend", headers=operator)
    refused = client.post(f"{deletion}/confirm", json={"token": token, "name": "one"}, headers=operator)
    assert refused.json()["code"] == "tenant_kept", refused.text
