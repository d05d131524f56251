"""Keys over the API: limits, rotation, creates done once, and how soon a revocation holds."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.kit import clock
from tests.factories.processes import until
from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD, Desk, add, key_for, status_of


@pytest.fixture
def operator(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


@pytest.fixture
def admin(client: TestClient, house: House) -> Desk:
    return Desk(client, house.admin_of_one)


def test_a_key_has_scopes_models_and_an_end(admin: Desk, house: House, client: TestClient) -> None:
    ann = add(admin, house.one, "ann", role="editor")
    soon = (clock.now() + timedelta(seconds=1)).isoformat()
    made = key_for(admin, ann, scopes=["read_documents"], models=["small"], expires_at=soon)
    assert status_of(client, made["key"], "/api/v1/documents") == 200
    assert status_of(client, made["key"], "/api/v1/jobs") == 403
    me = client.get("/api/v1/me", headers=House.bearer(made["key"])).json()
    assert (me["scopes"], me["models"]) == (["read_documents"], ["small"])
    until(lambda: status_of(client, made["key"]) == 401, 2)
    shown = admin("GET", f"/{house.one}/keys/{made['id']}")[1]
    assert "key" not in shown
    assert shown["last_used_at"] is not None
    listed = admin("GET", f"/{house.one}/keys?user={ann['id']}")[1]
    assert listed["items"] == [shown]
    path = f"/{house.one}/users/{ann['id']}/keys"
    wrongs: list[dict[str, object]] = [
        {"scopes": []},
        {"scopes": ["fly"]},
        {"models": []},
        {"expires_at": "2030-01-01T00:00:00"},
    ]
    for wrong in wrongs:
        assert admin("POST", path, {"name": "k", **wrong})[0] == 422, wrong


def test_a_scoped_key_makes_none_that_may_do_more_and_sets_no_password(
    admin: Desk, house: House, client: TestClient
) -> None:
    chief = add(admin, house.one, "chief", role="tenant_admin")
    scoped = Desk(client, key_for(admin, chief, scopes=["manage_users"], models=["small"])["key"])
    path = f"/{house.one}/users/{chief['id']}"
    for limits in ({}, {"scopes": ["manage_users"]}, {"scopes": ["ask"], "models": ["small"]}):
        assert scoped("POST", f"{path}/keys", {"name": "k", **limits})[0] == 403, limits
    assert scoped("POST", f"{path}/keys", {"name": "k", "scopes": ["manage_users"], "models": ["small"]})[0] == 201
    assert scoped("PUT", f"{path}/password", {"password": PASSWORD})[0] == 403
    assert scoped("POST", f"/{house.one}/users", {"login": "x", "name": "x", "password": PASSWORD})[0] == 403


@pytest.mark.parametrize("hours", [0, 1])
def test_a_key_is_rotated_with_an_overlap(admin: Desk, house: House, client: TestClient, hours: int) -> None:
    old = key_for(admin, add(admin, house.one, "ann"), scopes=["ask"])
    status, new = admin("POST", f"/{house.one}/keys/{old['id']}/rotate", {"overlap_hours": hours})
    assert (status, new["scopes"], new["name"], new["expires_at"]) == (201, ["ask"], "k", None)
    assert status_of(client, new["key"]) == 200
    if hours:
        assert status_of(client, old["key"]) == 200
        left = admin("GET", f"/{house.one}/keys/{old['id']}")[1]["expires_at"]
        assert left is not None
    else:
        until(lambda: status_of(client, old["key"]) == 401, 2)
        assert admin("POST", f"/{house.one}/keys/{old['id']}/rotate", {})[1]["code"] == "key_ended"


@pytest.mark.parametrize("create", ["tenant", "user", "group", "key", "rotation"])
def test_every_create_is_done_once_and_no_repeat_shows_a_secret(
    operator: Desk, admin: Desk, house: House, create: str
) -> None:
    ann = add(admin, house.one, "ann")
    key = key_for(admin, ann)
    creates: dict[str, tuple[Desk, str, dict[str, object]]] = {
        "tenant": (operator, "", {"name": "north"}),
        "user": (admin, f"/{house.one}/users", {"login": "bob", "name": "Bob"}),
        "group": (admin, f"/{house.one}/groups", {"name": "Board"}),
        "key": (admin, f"/{house.one}/users/{ann['id']}/keys", {"name": "k"}),
        "rotation": (admin, f"/{house.one}/keys/{key['id']}/rotate", {"overlap_hours": 1}),
    }
    desk, path, body = creates[create]
    first = desk("POST", path, body, idempotency_key="k-1")
    again = desk("POST", path, body, idempotency_key="k-1")
    assert first[0] == again[0] == 201
    assert {**first[1], "key": None} == {**again[1], "key": None}
    assert again[1].get("key") is None


def test_no_secret_of_a_repeated_create_is_stored(admin: Desk, house: House, databases: Databases) -> None:
    ann = add(admin, house.one, "ann")
    path = f"/{house.one}/users/{ann['id']}/keys"
    secret = admin("POST", path, {"name": "k"}, idempotency_key="k-1")[1]["key"]
    with databases.operator.session() as session:
        stored = session.execute(text("select string_agg(row(i.*)::text, ' ') from idempotency_keys i")).scalar_one()
    assert "ann" not in secret
    assert secret not in stored


def test_what_is_revoked_or_suspended_is_refused_within_two_seconds(
    operator: Desk, admin: Desk, house: House, client: TestClient
) -> None:
    ann = add(admin, house.one, "ann")
    user = f"/{house.one}/users/{ann['id']}"
    ends: list[tuple[str, str, str | None]] = [
        ("POST", f"{user}/suspend", f"{user}/resume"),
        ("POST", f"/{house.one}/suspend", f"/{house.one}/resume"),
        ("DELETE", f"/{house.one}/keys/{{key}}", None),
    ]
    for verb, end, back in ends:
        made = key_for(operator, ann)
        assert status_of(client, made["key"]) == 200  # so it is remembered
        assert operator(verb, end.replace("{key}", made["id"]))[0] == 200
        acted = time.monotonic()
        until(lambda made=made: status_of(client, made["key"]) == 401, 2)  # type: ignore[misc] # bound now
        assert time.monotonic() - acted < 2, end
        if back:
            assert operator("POST", back)[0] == 200
            assert status_of(client, made["key"]) == 200


def test_every_act_is_in_the_audit_without_a_secret(
    operator: Desk, admin: Desk, house: House, databases: Databases
) -> None:
    ann = add(admin, house.one, "ann", password=PASSWORD)
    key = key_for(admin, ann)
    group = admin("POST", f"/{house.one}/groups", {"name": "Board"})[1]["id"]
    member = f"/{house.one}/groups/{group}/members/{ann['id']}"
    admin("PUT", member)
    admin("DELETE", member)
    admin("PATCH", f"/{house.one}/groups/{group}", {"name": "B"}, if_match="*")
    admin("DELETE", f"/{house.one}/groups/{group}")
    for verb, end in (("POST", "suspend"), ("POST", "resume")):
        admin(verb, f"/{house.one}/users/{ann['id']}/{end}")
        operator(verb, f"/{house.two}/{end}")
    admin("PATCH", f"/{house.one}/users/{ann['id']}", {"role": "editor"}, if_match="*")
    admin("PUT", f"/{house.one}/users/{ann['id']}/password", {"password": PASSWORD})
    operator("PATCH", f"/{house.two}", {"name": "zwei"}, if_match="*")
    admin("POST", f"/{house.one}/keys/{key['id']}/rotate", {})
    admin("DELETE", f"/{house.one}/keys/{key['id']}")
    with databases.operator.session() as session:
        rows = session.execute(text("select action, row(e.*)::text from audit_entries e where actor is not null")).all()
    assert {row[0] for row in rows} == {
        *("user.create", "user.change", "user.suspend", "user.resume", "user.set_password"),
        *("group.create", "group.rename", "group.delete", "group.add_member", "group.remove_member"),
        *("key.create", "key.rotate", "key.revoke", "tenant.suspend", "tenant.resume", "tenant.change"),
    }
    told = " ".join(row[1] for row in rows)
    assert PASSWORD not in told
    assert key["key"] not in told
