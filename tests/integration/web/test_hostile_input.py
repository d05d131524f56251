"""Hostile requests, made from the API's own description: whatever comes, nothing breaks, opens or is let out."""

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from appliance.entry.web import UNAUTHENTICATED, describe
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from tests.factories.pickles import touching, unpickled
from tests.integration.web.conftest import House

DESCRIPTION = describe().openapi()
BROKEN = 500
AWAY = 503
"""The index does not run here: a search says so."""

HOSTILE = ("a\x00b", "'; drop table users; --", "../../../../etc/passwd", "\u202egnp.exe", "x" * 5000, "9" * 40)
BODIES: tuple[object, ...] = (*HOSTILE[:3], None, -1, 2**70, [[]], {"$ne": None}, ["\x00"])


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, verbs in DESCRIPTION["paths"].items():
        for verb, operation in verbs.items():
            yield verb.upper(), path, operation


def _body(operation: Mapping[str, Any]) -> tuple[str, list[str]]:
    content = operation.get("requestBody", {}).get("content", {})
    media = next(iter(content), "")
    return media, list(_resolved(content[media]["schema"]).get("properties", {})) if media else []


def _filled(path: str) -> str:
    return re.sub(r"{\w+}", str(uuid7()), path)


def _attempts(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Requests of one operation, a hostile value in one place each."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            yield from ({"params": {parameter["name"]: value}} for value in HOSTILE)
    media, fields = _body(operation)
    for field in fields if media == "application/json" else []:
        good = {"query": "x", "question": "x", "name": "x", "login": "x", "password": "x"}
        whole = {name: good[name] for name in fields if name in good}
        yield from ({"json": {**whole, field: value}} for value in BODIES)
    if media == "multipart/form-data":
        yield from ({"files": {"file": (str(value), b"x")}} for value in HOSTILE)
        yield from ({"files": {"file": ("x.md", b"x")}, "data": {"name": str(value)}} for value in HOSTILE)


# Questions are tried in test_chat_api.py, where something answers them.
def test_no_value_in_any_place_breaks_a_route(client: TestClient, house: House) -> None:
    broken: list[tuple[object, ...]] = []
    tried = 0
    client.headers.update(House.bearer(house.operator))  # nothing is refused him before it is read
    for verb, path, operation in _operations():
        for attempt in _attempts(operation) if not path.endswith(("/ask", "/messages")) else ():
            answer = client.request(verb, _filled(path), **attempt)
            tried += 1
            if answer.status_code >= BROKEN and answer.status_code != AWAY:
                broken.append((verb, path, attempt, answer.status_code))
    assert broken == []
    assert tried > len(HOSTILE) * len(DESCRIPTION["paths"])


def test_a_pickle_is_read_by_no_route(client: TestClient, house: House, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    client.headers.update(House.bearer(house.operator))
    kinds = ("application/x-python-serialize", "application/octet-stream", "application/json")
    with unpickled() as found:
        for verb, path, _ in _operations():
            for kind in kinds:
                client.request(verb, _filled(path), content=touching(canary), headers={"content-type": kind})
        assert found == []
        assert not canary.exists()
        sys.audit("pickle.find_class", "posix", "system")  # as Python does: it would have been heard
    assert found == ["posix.system"]


READ_BY_PROGRAMS = {
    "application/json",
    "application/problem+json",
    "application/scim+json",
    "text/event-stream",
    "text/plain",
}
SAVED = {"application/x-ndjson", "application/zip", "text/csv"}
"""Types of files: a browser saves them and shows none of them."""
OUR_PAGE = {"/api/v1/oidc/callback": {"text/html"}}
"""A constant, into which nothing that was sent is written."""
AS_IT_CAME = {"/api/v1/documents/{document_id}/original": {"*/*"}}
"""A file of whatever type, to be saved and shown nowhere: ``test_originals`` has each header."""


def test_no_answer_is_of_a_type_that_a_browser_would_run(client: TestClient, house: House) -> None:
    operator, saved = House.bearer(house.operator), set()
    for verb, path, operation in _operations():
        types = {media for answer in operation["responses"].values() for media in answer.get("content", {})}
        of_path = OUR_PAGE.get(path, set()) | AS_IT_CAME.get(path, set())
        assert types <= READ_BY_PROGRAMS | SAVED | of_path, (verb, path)
        if types & SAVED and "{" not in path:  # the edge makes no difference between these and those of some id
            told = client.request(verb, _filled(path), headers=operator)
            assert told.headers["content-type"] in SAVED, told.text
            assert told.headers["content-disposition"].partition(";")[0] == "attachment"
            assert told.headers["x-content-type-options"] == "nosniff"
            saved.add(path)
    assert saved == {"/api/v1/audit/export"}


def test_an_uploaded_page_is_not_served_as_one(client: TestClient, house: House) -> None:
    editor = House.bearer(house.member_of_one)
    made = client.post("/api/v1/collections", json={"name": "<script>"}, headers=editor).json()
    page = {"file": ("page.html", b"<script>alert(1)</script>", "text/html")}
    added = client.post(f"/api/v1/collections/{made['id']}/documents", headers=editor, files=page)
    assert added.status_code == 202
    document = f"/api/v1/documents/{added.json()['document']['id']}"
    for told in (added, client.get(document, headers=editor), client.get(f"{document}/text", headers=editor)):
        assert told.headers["content-type"].partition(";")[0] in READ_BY_PROGRAMS
        assert told.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in told.headers["content-security-policy"]
    original = client.get(f"{document}/original", headers=editor)
    assert original.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert original.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in original.headers["content-security-policy"]


def test_another_site_s_page_gets_nothing(client: TestClient, house: House) -> None:
    for verb, path, _ in _operations():
        ask = {"origin": "https://evil.example", "access-control-request-method": verb}
        told = client.options(_filled(path), headers=ask | {"access-control-request-headers": "authorization"})
        assert not [name for name in told.headers if name.startswith("access-control")], path
        if path not in UNAUTHENTICATED:
            cookies = "; ".join(f"{name}={house.operator}" for name in ("session", "key", "token", "authorization"))
            sent = {"origin": "https://evil.example", "cookie": cookies}
            assert client.request(verb, _filled(path), headers=sent).status_code == 401, path
    signed = client.post("/api/v1/login", json={"token": house.sign_in})
    assert "set-cookie" not in signed.headers


def test_a_name_that_looks_like_a_path_stays_a_name(client: TestClient, house: House, settings: Settings) -> None:
    member = House.bearer(house.member_of_one)
    made = client.post("/api/v1/collections", json={"name": "../../up"}, headers=member).json()
    url = f"/api/v1/collections/{made['id']}/documents"
    before = _tree(settings.data)
    names = ("../../../up.md", "/etc/cron.d/up", "..\\..\\up.md", "a/../../b.md", "~/up.md", "$HOME/up.md")
    for number, name in enumerate(names):
        told = client.post(url, headers=member, files={"file": ("x.md", b"%d" % number)}, data={"name": name})
        assert (told.status_code, told.json()["document"]["name"]) == (202, name)
    fresh = _tree(settings.data) - before
    content = re.compile(rf"blobs/(\.staging(/[0-9a-f]{{32}})?|{house.one}(/[0-9a-f]{{2}}(/[0-9a-f]{{64}})?)?)")
    assert {name for name in fresh if not content.fullmatch(name)} == set()
    assert len([name for name in fresh if "/" in name.removeprefix(f"blobs/{house.one}/")]) >= len(names)
    for name in ("../up", "/etc", "..", ".hidden", "a/b", "a\\b", "x\n", "", "C:x"):
        told = client.post("/api/v1/models/pull", headers=House.bearer(house.operator), json={"name": name})
        assert (told.status_code, told.json()["code"]) == (422, "invalid_request"), name


def _tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_what_is_stored_can_be_read_by_its_owner_alone(client: TestClient, house: House, settings: Settings) -> None:
    member = House.bearer(house.member_of_one)
    mask = os.umask(0o022)  # what a shell has; a leash gives its children 077
    try:
        made = client.post("/api/v1/collections", json={"name": "c"}, headers=member).json()
        url = f"/api/v1/collections/{made['id']}/documents"
        client.post(url, headers=member, files={"file": ("x.md", b"secret")})
    finally:
        os.umask(mask)
    layout = settings.layout
    for folder in (layout.run, layout.secrets, layout.blobs, layout.index, layout.journal, layout.logs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    stored = [path for path in layout.blobs.rglob("*") if path.is_file()]
    assert stored
    for path in stored:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
