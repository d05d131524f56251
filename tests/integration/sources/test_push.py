"""Programs push documents: idempotent by the name that they know each by."""

import json
from typing import Any

import pytest

from appliance.kit.ids import uuid7
from tests.integration.sources.works import MAKES, Works
from tests.integration.web.conftest import House


@pytest.fixture
def source(works: Works) -> str:
    return works.add({"kind": "push"})


def push(works: Works, source: str, external: str, content: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
    told = works.client.put(
        f"{MAKES}/{source}/items",
        files={"file": ("x", content)},
        data={"external": external, **fields},
        headers=works.admin,
    )
    return told.status_code, told.json()


def test_the_same_again_is_nothing_and_other_bytes_are_a_revision(works: Works, source: str) -> None:
    status, first = push(works, source, "wiki/42", b"# Leave\n", name="leave.md")
    assert (status, first["act"]) == (202, "taken")
    again = push(works, source, "wiki/42", b"# Leave\n", name="leave.md")[1]
    assert again == {**first, "act": "unchanged"}
    changed = push(works, source, "wiki/42", b"# Leave, new\n", name="leave.md")[1]
    assert (changed["act"], changed["document_id"]) == ("updated", first["document_id"])
    renamed = push(works, source, "wiki/42", b"# Leave, new\n", name="holidays.md")[1]
    assert renamed["act"] == "taken"
    assert set(works.documents()) == {"holidays.md"}, "under its former name it is forgotten"
    assert works.log(source) == {
        ("leave.md", "taken", None),
        ("leave.md", "updated", None),
        ("holidays.md", "taken", None),
    }


def test_what_is_gone_is_forgotten_and_may_come_again(works: Works, source: str) -> None:
    push(works, source, "a.md", b"# A\n")
    assert works.made("DELETE", f"{MAKES}/{source}/items?external=a.md") == {"act": "deleted"}
    assert works.asked("DELETE", f"{MAKES}/{source}/items?external=a.md")[1]["code"] == "item_not_found"
    assert push(works, source, "a.md", b"# A\n")[1]["code"] == "document_busy"
    works.work()
    assert push(works, source, "a.md", b"# A\n")[1]["act"] == "taken"


def test_its_access_list_comes_with_it(works: Works, source: str) -> None:
    board = works.made("POST", f"/api/v1/tenants/{works.house.one}/groups", {"name": "Board"})["id"]
    push(works, source, "a.md", b"# A\n", readers=json.dumps({"groups": [board]}))
    assert (works.documents()["a.md"]["everyone"], works.documents()["a.md"]["groups"]) == (False, [board])
    for bad in ("no json", json.dumps({"groups": [str(uuid7())]}), json.dumps({"groups": "all"})):
        assert push(works, source, "a.md", b"# A\n", readers=bad)[0] in (404, 422)
    push(works, source, "a.md", b"# A\n")
    assert works.documents()["a.md"]["inherited"] is True


def test_a_key_that_may_push_alone_can_do_nothing_else(works: Works, source: str) -> None:
    users = f"/api/v1/tenants/{works.house.one}/users"
    admin = next(user for user in works.made("GET", users)["items"] if user["login"] == "admin of one")
    body = {"name": "wiki", "scopes": ["push_documents"]}
    key = works.made("POST", f"{users}/{admin['id']}/keys", body)["key"]
    headers = House.bearer(key)
    sent = works.client.put(
        f"{MAKES}/{source}/items", files={"file": ("x", b"# A\n")}, data={"external": "a.md"}, headers=headers
    )
    assert sent.status_code == 202, sent.text
    for path in (MAKES, f"{MAKES}/{source}", f"{MAKES}/{source}/log", "/api/v1/documents"):
        assert works.client.get(path, headers=headers).status_code == 403


def test_only_to_a_push_source_and_only_of_the_own_tenant(works: Works, source: str, share: object) -> None:
    folder = works.add({"kind": "folder", "path": str(share)}, "folder")
    assert push(works, folder, "a.md", b"# A\n")[1]["code"] == "not_pushed"
    assert works.asked("POST", f"{MAKES}/{source}/sync")[1]["code"] == "nothing_to_sync"
    works.admin = House.bearer(works.house.admin_of_two)
    assert push(works, source, "a.md", b"# A\n")[1]["code"] == "source_not_found"
    works.admin = House.bearer(works.house.member_of_one)
    assert push(works, source, "a.md", b"# A\n")[0] == 403


def test_a_paused_source_takes_nothing(works: Works, source: str) -> None:
    works.change(source, paused=True)
    assert push(works, source, "a.md", b"# A\n")[1]["code"] == "source_paused"
    assert works.documents() == {}


def test_changes_are_audited_and_secrets_shown_to_nobody(works: Works) -> None:
    source = works.add({"kind": "push"}, "wiki", secret="a word that nobody knows")
    shown = works.made("GET", f"{MAKES}/{source}")
    works.change(source, name="wiki too")
    told = works.client.get("/api/v1/audit?limit=200", headers=House.bearer(works.house.operator)).text
    assert shown["has_secret"] is True
    assert "source.create" in told
    assert "source.change" in told
    assert "nobody knows" not in told + str(shown)
    stale = works.asked("PUT", f"{MAKES}/{source}", {"name": "x", "settings": {"kind": "push"}})
    assert stale[0] == 428
    kinds = {"name": "x", "settings": {"kind": "folder", "path": "/srv"}}
    assert works.asked("PUT", f"{MAKES}/{source}", kinds, headers={"if-match": "*"})[0] in (409, 422)
    twice = {"name": "wiki too", "collection_id": works.collection, "settings": {"kind": "push"}}
    assert works.asked("POST", MAKES, twice)[1]["code"] == "source_exists"
