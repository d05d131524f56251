"""Collections, documents and search over HTTP."""

import hashlib
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.knowledge.parsing.formats import FORMATS
from tests.integration.web.conftest import House

LEAVE = b"# Leave\n\nEveryone has 25 days.\n"


@pytest.fixture
def member(house: House) -> dict[str, str]:
    return House.bearer(house.member_of_one)


@pytest.fixture
def collection(client: TestClient, member: dict[str, str]) -> str:
    made = client.post("/api/v1/collections", json={"name": "handbook"}, headers=member)
    assert made.status_code == 201, made.text
    found: str = made.json()["id"]
    return found


def upload(client: TestClient, headers: dict[str, str], collection: str, name: str, content: bytes) -> dict[str, Any]:
    told = client.post(f"/api/v1/collections/{collection}/documents", files={"file": (name, content)}, headers=headers)
    assert told.status_code == 202, told.text
    found: dict[str, Any] = told.json()
    return found


def test_a_collection_is_made_shown_listed_and_deleted(
    client: TestClient, member: dict[str, str], collection: str
) -> None:
    again = client.post("/api/v1/collections", json={"name": "handbook"}, headers=member)
    assert (again.status_code, again.json()["code"]) == (409, "collection_exists")
    assert again.json()["detail"] == "A collection of this name is there already: handbook"
    shown = client.get(f"/api/v1/collections/{collection}", headers=member).json()
    assert (shown["name"], shown["documents"]) == ("handbook", {})
    listed = client.get("/api/v1/collections", params={"name": "handbook"}, headers=member).json()
    assert listed == {"items": [shown], "next_cursor": None}
    deleted = client.delete(f"/api/v1/collections/{collection}", headers=member)
    assert deleted.status_code == 202
    assert client.get(f"/api/v1/jobs/{deleted.json()['job']}", headers=member).json()["state"] == "queued"


def test_an_upload_is_a_document_and_a_job_and_the_same_bytes_are_neither(
    client: TestClient, member: dict[str, str], collection: str, settings: Settings
) -> None:
    added = upload(client, member, collection, "leave.md", LEAVE)
    document = added["document"]
    assert (document["state"], document["name"], document["bytes"]) == ("queued", "leave.md", len(LEAVE))
    digest = hashlib.sha256(LEAVE).hexdigest()
    assert document["sha256"] == digest
    assert len(list(settings.layout.blobs.rglob(digest))) == 1
    again = upload(client, member, collection, "leave.md", LEAVE)
    assert (again["unchanged"], again["job"]) == (True, added["job"])
    listed = client.get("/api/v1/documents", params={"collection": collection}, headers=member).json()
    assert [one["id"] for one in listed["items"]] == [document["id"]]
    assert client.get(f"/api/v1/documents/{document['id']}", headers=member).json() == document
    assert client.get(f"/api/v1/documents/{document['id']}/text", headers=member).status_code == 409
    assert client.post(f"/api/v1/documents/{document['id']}/retry", headers=member).json()["code"] == "nothing_to_retry"
    deleted = client.delete(f"/api/v1/documents/{document['id']}", headers=member)
    assert deleted.status_code == 202
    assert UUID(deleted.json()["job"]).version == 7


def test_a_form_may_give_the_name(client: TestClient, member: dict[str, str], collection: str) -> None:
    told = client.post(
        f"/api/v1/collections/{collection}/documents",
        files={"file": ("x", LEAVE)},
        data={"name": "rules/leave.md"},
        headers=member,
    )
    assert told.json()["document"]["name"] == "rules/leave.md"


def test_an_idempotency_key_gives_the_first_answer_again(
    client: TestClient, member: dict[str, str], collection: str
) -> None:
    keyed = {**member, "Idempotency-Key": uuid7().hex}
    first = upload(client, keyed, collection, "leave.md", LEAVE)
    assert upload(client, keyed, collection, "leave.md", LEAVE) == first


BAD: list[tuple[bytes, int, str]] = [(b"", 422, "empty_file"), (b"a" * 2_000, 413, "file_too_large")]


@pytest.mark.parametrize(("content", "status", "code"), BAD)
def test_a_bad_upload_changes_nothing(
    client: TestClient,
    member: dict[str, str],
    collection: str,
    settings: Settings,
    content: bytes,
    status: int,
    code: str,
) -> None:
    small = settings.model_copy(update={"web": settings.web.model_copy(update={"largest_upload": 1_000})})
    client.app.state.settings = small  # type: ignore[attr-defined] # Starlette's application
    url = f"/api/v1/collections/{collection}/documents"
    told = client.post(url, files={"file": ("a.md", content)}, headers=member)
    assert (told.status_code, told.json()["code"]) == (status, code)
    assert told.json()["detail"].count(" ") > 2, "a sentence, not the file's name alone"
    assert client.get("/api/v1/documents", headers=member).json()["items"] == []
    assert [path for path in settings.layout.blobs.rglob("*") if path.is_file()] == []


def test_a_search_without_an_index_says_that_it_is_down(client: TestClient, member: dict[str, str]) -> None:
    told = client.post("/api/v1/search", json={"query": "leave"}, headers=member)
    assert told.status_code == 503
    missing = client.post("/api/v1/search", json={"query": "leave", "collections": ["none"]}, headers=member)
    assert (missing.status_code, missing.json()["code"]) == (404, "collection_not_found")


def test_the_formats_that_are_read_are_told_as_the_parsers_have_them(
    client: TestClient, member: dict[str, str], collection: str
) -> None:
    listed = client.get("/api/v1/formats", headers=member).json()["items"]
    assert [one["media_type"] for one in listed] == [one.media_type for one in FORMATS]
    suffixes = [suffix for one in listed for suffix in one["suffixes"]]
    assert len(suffixes) == len(set(suffixes))
    assert {".md", ".pdf", ".csv"} <= set(suffixes)
