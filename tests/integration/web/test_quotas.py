"""Quotas over the API: who may give them, that they bind, and what is said to whom they refuse."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.kit.ids import uuid7
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, add, key_for

Upload = Callable[[str, bytes], tuple[int, Any]]
LIMITS = {"tokens_per_day": 1_000, "documents": 2}


@pytest.fixture
def operator(client: TestClient, house: House) -> Desk:
    return Desk(client, house.operator)


@pytest.fixture
def admin(client: TestClient, house: House) -> Desk:
    return Desk(client, house.admin_of_one)


def user_of(desk: Desk, tenant: UUID, login: str) -> str:
    return str(desk("GET", f"/{tenant}/users?login={login.replace(' ', '%20')}")[1]["items"][0]["id"])


def test_from_creation_to_deletion(operator: Desk, house: House) -> None:
    at = f"/{house.one}/quotas"
    status, made = operator("POST", at, {"kind": "tenant", **LIMITS})
    assert status == 201
    assert (made["subject_id"], made["tokens_per_day"], made["tokens_per_month"]) == (str(house.one), 1_000, None)
    assert operator("GET", at)[1]["items"] == [made]
    assert operator("GET", f"{at}?subject_id={uuid7()}")[1]["items"] == []
    one = f"{at}/{made['id']}"
    assert operator("PATCH", one, {"documents": None})[0] == 428
    assert operator("PATCH", one, {"documents": None}, if_match='"7"')[0] == 412
    status, changed = operator("PATCH", one, {"documents": None, "tokens_per_month": 5}, if_match='"1"')
    assert (status, changed["documents"], changed["tokens_per_month"], changed["version"]) == (200, None, 5, 2)
    standing = operator("GET", one)[1]["standing"]
    assert [(x["measure"], x["limit"], x["used"]) for x in standing] == [
        ("tokens_per_day", 1_000, 0),
        ("tokens_per_month", 5, 0),
    ]
    assert operator("DELETE", one)[0] == 428
    assert operator("DELETE", one, if_match='"2"')[0] == 204
    assert operator("GET", one)[1]["code"] == "quota_not_found"


def test_a_second_quota_of_the_same_and_one_of_nobody_are_refused(operator: Desk, house: House) -> None:
    at = f"/{house.one}/quotas"
    assert operator("POST", at, {"kind": "tenant", **LIMITS})[0] == 201
    assert operator("POST", at, {"kind": "tenant"})[1]["code"] == "quota_exists"
    for kind, code in (("user", "user_not_found"), ("key", "key_not_found")):
        assert operator("POST", at, {"kind": kind, "subject_id": str(uuid7())})[1]["code"] == code
        assert operator("POST", at, {"kind": kind})[1]["code"] == "subject_missing"
    assert operator("POST", at, {"kind": "tenant", "subject_id": str(house.two)})[1]["code"] == "tenant_not_found"
    for bad in ({"kind": "tenant", "tokens_per_day": -1}, {"kind": "tenant", "tokens_per_day": "many"}, {"kind": "x"}):
        assert operator("POST", at, bad)[0] == 422
    assert len(operator("GET", at)[1]["items"]) == 1


def test_an_administrator_divides_and_the_operator_gives(
    admin: Desk, operator: Desk, house: House, databases: Databases
) -> None:
    at = f"/{house.one}/quotas"
    assert admin("POST", at, {"kind": "tenant", **LIMITS})[0] == 403
    user = user_of(admin, house.one, "member of one")
    status, made = admin("POST", at, {"kind": "user", "subject_id": user, **LIMITS})
    assert status == 201
    assert admin("PATCH", f"{at}/{made['id']}", {"documents": 1}, if_match='"1"')[0] == 200
    own = operator("POST", at, {"kind": "tenant", **LIMITS})[1]
    assert admin("GET", f"{at}/{own['id']}")[0] == 200
    assert admin("PATCH", f"{at}/{own['id']}", {"documents": 9}, if_match='"1"')[0] == 403
    assert admin("DELETE", f"{at}/{own['id']}", if_match='"1"')[0] == 403
    with databases.operator.session() as session:
        acts = session.execute(text("select action, outcome from audit_entries where action like '%quota%'")).all()
    assert {("quota.create", "done"), ("quota.change", "done")} <= {tuple(act) for act in acts}
    assert ("POST /api/v1/tenants/{tenant_id}/quotas", "refused") in {tuple(act) for act in acts}


def test_a_rotated_key_leaves_its_limits_to_the_one_that_follows(admin: Desk, house: House) -> None:
    """A new key has another id, and no limit was of that: whoever rotated a key took its limits away."""
    key = key_for(admin, add(admin, house.one, "ann"))
    made = admin("POST", f"/{house.one}/quotas", {"kind": "key", "subject_id": key["id"], **LIMITS})[1]
    new = admin("POST", f"/{house.one}/keys/{key['id']}/rotate", {"overlap_hours": 1})[1]
    (found,) = admin("GET", f"/{house.one}/quotas?subject_id={new['id']}")[1]["items"]
    assert (found["kind"], found["subject_id"]) == ("key", new["id"])
    assert all(found[name] == amount == made[name] for name, amount in LIMITS.items())
    assert admin("GET", f"/{house.one}/quotas/{made['id']}")[0] == 200, "the old one has them until it ends"
    again = admin("POST", f"/{house.one}/keys/{new['id']}/rotate", {})[1]
    assert len(admin("GET", f"/{house.one}/quotas?subject_id={again['id']}")[1]["items"]) == 1


def test_another_s_quotas_and_usage_are_not_there(client: TestClient, operator: Desk, house: House) -> None:
    made = operator("POST", f"/{house.one}/quotas", {"kind": "tenant", **LIMITS})[1]
    stranger, member = Desk(client, house.admin_of_two), Desk(client, house.member_of_one)
    usage = ("usage", "usage/records", "usage/account", "usage/account/export", "usage/export")
    for path in ("quotas", f"quotas/{made['id']}", *usage):
        assert stranger("GET", f"/{house.one}/{path}")[0] == 404
        assert member("GET", f"/{house.one}/{path}")[0] == 403
    assert stranger("GET", f"/{house.two}/quotas/{made['id']}")[0] == 404
    user = user_of(operator, house.one, "member of one")
    assert stranger("POST", f"/{house.two}/quotas", {"kind": "user", "subject_id": user})[0] == 404


@pytest.fixture
def shelf(client: TestClient, house: House) -> Upload:
    """Uploads into a collection of the first tenant: (status, document)."""
    headers = House.bearer(house.member_of_one)
    made = client.post("/api/v1/collections", json={"name": "c"}, headers=headers).json()

    def upload(name: str, content: bytes) -> tuple[int, Any]:
        answer = client.post(
            f"/api/v1/collections/{made['id']}/documents", files={"file": (name, content)}, headers=headers
        )
        return answer.status_code, answer.json()

    return upload


@pytest.mark.parametrize("kind", ["tenant", "user", "key"])
@pytest.mark.parametrize("room", [{"documents": 3}, {"bytes": 30}], ids=["documents", "bytes"])
def test_uploads_at_once_never_pass_a_limit_between_them(
    shelf: Upload, client: TestClient, operator: Desk, house: House, kind: str, room: dict[str, int]
) -> None:
    me = client.get("/api/v1/me", headers=House.bearer(house.member_of_one)).json()
    keys = operator("GET", f"/{house.one}/keys?user={me['user_id']}")[1]["items"]
    subject = {"tenant": {}, "user": {"subject_id": me["user_id"]}, "key": {"subject_id": keys[0]["id"]}}[kind]
    assert operator("POST", f"/{house.one}/quotas", {"kind": kind, **subject, **room})[0] == 201
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: shelf(f"{number}.md", b"%010d" % number), range(12)))
    assert Counter(status for status, _ in answers) == {202: 3, 429: 9}
    assert {told["quota"]["kind"] for status, told in answers if status == 429} == {kind}


def test_documents_and_bytes_are_bounded_at_the_upload(shelf: Upload, operator: Desk, house: House) -> None:
    user = user_of(operator, house.one, "member of one")
    operator("POST", f"/{house.one}/quotas", {"kind": "tenant", "documents": 2})
    made = operator("POST", f"/{house.one}/quotas", {"kind": "user", "subject_id": user, "bytes": 100})[1]
    assert shelf("a.md", b"x" * 60)[0] == 202
    status, told = shelf("b.md", b"y" * 60)
    assert (status, told["code"]) == (429, "no_room_left")
    assert told["quota"] == {
        "kind": "user",
        "subject_id": user,
        "measure": "bytes",
        "limit": 100,
        "used": 60,
        "asked": 60,
        "resets_at": None,
    }
    assert shelf("a.md", b"x" * 60)[0] in (200, 202)  # the same bytes again take no more room
    assert shelf("a.md", b"z" * 90)[0] == 202  # another content in the place of the former
    assert shelf("b.md", b"y" * 10)[0] == 202
    status, told = shelf("c.md", b"")
    assert status == 422
    operator("DELETE", f"/{house.one}/quotas/{made['id']}", if_match='"1"')
    status, told = shelf("c.md", b"w")
    assert (status, told["quota"]["measure"], told["quota"]["used"]) == (429, "documents", 2)
    standing = operator("GET", f"/{house.one}/quotas")[1]["items"][0]
    assert operator("GET", f"/{house.one}/quotas/{standing['id']}")[1]["standing"][0]["used"] == 2
