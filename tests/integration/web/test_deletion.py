"""The two steps that lead to a tenant's deletion, over the API and the command line, and what does not lead there."""

import json
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry import forgetting
from appliance.kit.ids import uuid7
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, status_of


@pytest.fixture
def operator(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


def test_a_request_suspends_and_the_token_with_the_name_confirms(
    operator: Desk, house: House, client: TestClient
) -> None:
    path = f"/{house.one}/deletion"
    status, asked = operator("POST", path)
    assert (status, asked["state"], asked["name"]) == (201, "requested", "one")
    assert status_of(client, house.member_of_one) == 401
    for wrong in ({"token": asked["token"], "name": "two"}, {"token": "del-x", "name": "one"}):
        assert operator("POST", f"{path}/confirm", wrong)[1]["code"] == "wrong_confirmation"
    assert operator("GET", path)[1]["state"] == "requested"
    assert operator("GET", f"{path}/certificate")[1]["code"] == "not_yet_deleted"
    status, done = operator("POST", f"{path}/confirm", {"token": asked["token"], "name": "one"})
    assert (status, done["state"]) == (202, "confirmed")
    job = client.get(f"/api/v1/jobs/{done['job']}", headers=House.bearer(house.operator)).json()
    assert (job["kind"], job["state"]) == ("tenants.delete", "queued")
    assert operator("GET", f"/{house.one}")[1]["state"] == "deleting"


def test_nothing_leads_back_from_a_deletion_that_is_confirmed(operator: Desk, house: House) -> None:
    path = f"/{house.one}"
    token = operator("POST", f"{path}/deletion")[1]["token"]
    operator("POST", f"{path}/deletion/confirm", {"token": token, "name": "one"})
    acts = [
        operator("POST", f"{path}/resume"),
        operator("POST", f"{path}/suspend"),
        operator("PATCH", path, {"name": "three"}, if_match="*"),
        operator("POST", f"{path}/deletion"),
        operator("DELETE", f"{path}/deletion"),
        operator("POST", f"{path}/deletion/confirm", {"token": token, "name": "one"}),
    ]
    assert [(status, found["code"]) for status, found in acts] == [(409, "tenant_being_deleted")] * len(acts)
    assert operator("POST", f"{path}/users", {"login": "late", "name": "Late"})[0] == 404
    assert operator("GET", f"{path}/groups")[0] == 404
    again = operator("POST", f"{path}/deletion/retry")
    assert (again[0], again[1]["job"]) == (202, operator("GET", f"{path}/deletion")[1]["job"])


def test_a_withdrawn_or_newer_request_makes_the_token_void(operator: Desk, house: House) -> None:
    path = f"/{house.one}/deletion"
    first = operator("POST", path)[1]["token"]
    second = operator("POST", path)[1]["token"]
    assert operator("POST", f"{path}/confirm", {"token": first, "name": "one"})[1]["code"] == "wrong_confirmation"
    assert operator("DELETE", path)[0] == 204
    for act in (operator("POST", f"{path}/confirm", {"token": second, "name": "one"}), operator("DELETE", path)):
        assert act[1]["code"] == "nothing_to_confirm"
    assert operator("POST", f"{path}/retry")[1]["code"] == "nothing_to_confirm"
    assert operator("POST", f"/{house.one}/resume")[1]["state"] == "active"


def test_a_tenant_that_was_resumed_is_not_deleted_by_an_old_token(operator: Desk, house: House) -> None:
    token = operator("POST", f"/{house.one}/deletion")[1]["token"]
    operator("POST", f"/{house.one}/resume")
    confirmed = operator("POST", f"/{house.one}/deletion/confirm", {"token": token, "name": "one"})
    assert confirmed[1]["code"] == "nothing_to_confirm"


def test_the_time_in_which_to_confirm_ends(operator: Desk, house: House, databases: Databases) -> None:
    token = operator("POST", f"/{house.one}/deletion")[1]["token"]
    with databases.operator.session() as session:
        session.execute(text("update tenant_deletions set expires_at = now()"))
    confirmed = operator("POST", f"/{house.one}/deletion/confirm", {"token": token, "name": "one"})
    assert confirmed[1]["code"] == "confirmation_expired"


def test_a_repeated_request_does_not_show_the_token_again(operator: Desk, house: House) -> None:
    first = operator("POST", f"/{house.one}/deletion", idempotency_key="k")[1]
    again = operator("POST", f"/{house.one}/deletion", idempotency_key="k")[1]
    assert (again["expires_at"], again["token"]) == (first["expires_at"], None)


def test_only_an_operator_of_another_tenant_may(operator: Desk, house: House, client: TestClient) -> None:
    admin = Desk(client, house.admin_of_one)
    assert admin("POST", f"/{house.one}/deletion")[0] == 403
    assert admin("POST", f"/{house.two}/deletion")[0] == 403
    own = client.get("/api/v1/me", headers=House.bearer(house.operator)).json()["tenant_id"]
    assert operator("POST", f"/{own}/deletion")[1]["code"] == "own_tenant"
    assert operator("GET", f"/{own}")[1]["state"] == "active"
    assert operator("POST", f"/{uuid7()}/deletion")[0] == 404
    assert operator("GET", f"/{house.two}/deletion")[0] == 404


def test_the_system_login_empties_no_table_of_a_tenant_that_lives(
    operator: Desk, house: House, databases: Databases
) -> None:
    """A mistake in a deletion must not reach another tenant's users: row security says so, not the query."""

    def users(tenant: UUID) -> int:
        with databases.system.session() as session:
            counted = session.execute(text("select count(*) from users where tenant_id = :t"), {"t": tenant})
            return int(counted.scalar_one())

    operator("POST", f"/{house.one}/deletion")
    with databases.system.session() as session:
        session.execute(text("delete from api_keys"))
        session.execute(text("delete from users"))
    assert (users(house.one), users(house.two)) == (2, 2)


def test_what_is_written_late_for_a_deleted_tenant_goes_with_the_next_sweep(house: House, databases: Databases) -> None:
    late, told = uuid7(), {"one": house.one}
    with databases.system.session() as session:
        assert forgetting.late_rows(session) == 0
        session.execute(text("update tenants set state = 'deleted' where id = :one"), told)
    with databases.app.session(house.one) as session:
        session.execute(
            text("insert into collections (id, tenant_id, name) values (:late, :one, 'late')"), {"late": late, **told}
        )
    with databases.system.session() as session:
        forgetting.late_rows(session)
    with databases.system.session() as session:
        left = session.execute(text("select count(*) from collections"))
        others = session.execute(text("select count(*) from users where tenant_id = :two"), {"two": house.two})
        assert (left.scalar_one(), others.scalar_one()) == (0, 2)


def test_a_tombstone_is_listed_only_where_it_is_asked_for(operator: Desk, house: House, databases: Databases) -> None:
    with databases.system.session() as session:
        told = {"one": house.one, "name": f"deleted {house.one}"}
        session.execute(text("update tenants set state = 'deleted', name = :name where id = :one"), told)
    assert str(house.one) not in json.dumps(operator("GET", "")[1])
    assert [item["id"] for item in operator("GET", "?state=deleted")[1]["items"]] == [str(house.one)]
    assert operator("GET", f"/{house.one}")[1]["state"] == "deleted"
    assert operator("POST", f"/{house.one}/resume")[0] == 404
    assert operator("POST", f"/{house.one}/deletion")[0] == 404
    assert operator("POST", "", {"name": "one"})[0] == 201
