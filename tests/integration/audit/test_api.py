"""The audit over the API: who may read it, what it lists, and that an export proves itself by the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from appliance.audit import ocsf
from appliance.audit.verifying import verify
from appliance.entry.cli.audit import NotAHead
from tests.factories.cli import document, run
from tests.integration.web.conftest import House, client, house, housed, template

__all__ = ("client", "house", "housed", "template")
ROUTES = [
    ("GET", "/api/v1/audit"),
    ("GET", "/api/v1/audit/heads"),
    ("POST", "/api/v1/audit/heads"),
    ("GET", "/api/v1/audit/verify"),
    ("POST", "/api/v1/audit/verify"),
    ("GET", "/api/v1/audit/export"),
]


def test_who_is_neither_operator_nor_auditor_reads_nothing(client: TestClient, house: House) -> None:
    for method, path in ROUTES:
        assert client.request(method, path, headers=House.bearer(house.member_of_one)).status_code == 403, path
    found = client.get("/api/v1/audit", headers=House.bearer(house.operator), params={"outcome": "refused"}).json()
    assert {item["action"] for item in found["items"]} == {f"{method} {path}" for method, path in ROUTES}
    assert {item["source"] for item in found["items"]} == {"testclient"}


def test_entries_by_page_and_by_filter(client: TestClient, house: House) -> None:
    operator = House.bearer(house.operator)
    whole = client.get("/api/v1/audit", headers=operator, params={"limit": 200}).json()["items"]
    paged: list[object] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/api/v1/audit", headers=operator, params={"limit": 2, **cursor}).json()
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole
    assert [item["id"] for item in whole] == sorted((item["id"] for item in whole), reverse=True)
    asked = {"action": "user.create", "tenant": str(house.one), "since": "2020-01-01T00:00:00Z"}
    one, *_ = client.get("/api/v1/audit", headers=operator, params=asked).json()["items"]
    assert (one["action"], one["tenant_id"], one["seq"]) == ("user.create", str(house.one), None)
    assert client.get("/api/v1/audit", headers=operator, params={"until": "2020-01-01T00:00:00Z"}).json()["items"] == []
    assert client.get("/api/v1/audit", headers=operator, params={"since": "yesterday"}).status_code == 422
    assert client.get("/api/v1/audit", headers=operator, params={"cursor": "!"}).status_code == 400


def test_an_export_is_proven_offline_and_a_changed_one_is_not(client: TestClient, house: House, tmp_path: Path) -> None:
    operator = House.bearer(house.operator)
    signed = client.post("/api/v1/audit/heads", headers=operator).json()
    assert client.post("/api/v1/audit/heads", headers=operator).json() == signed
    assert client.get("/api/v1/audit/heads", headers=operator).json() == {"items": [signed]}
    online = client.get("/api/v1/audit/verify", headers=operator).json()
    assert (online["holds"], online["last"], online["heads"]) == (True, signed["seq"], 1)
    later = {**signed, "seq": signed["seq"] + 5}
    assert client.post("/api/v1/audit/verify", headers=operator, json=signed).json()["holds"] is True
    told = client.post("/api/v1/audit/verify", headers=operator, json=later).json()
    assert told["broken"]["kind"] == "forged_head"

    exported = client.get("/api/v1/audit/export", headers=operator)
    assert exported.headers["content-type"].startswith("application/x-ndjson")
    lines = exported.text.splitlines(keepends=True)
    assert verify(ocsf.records_in(lines), ocsf.heads_in(lines)).last == signed["seq"] == len(lines) - 1

    file, head, cut = tmp_path / "audit.jsonl", tmp_path / "head.json", tmp_path / "cut.jsonl"
    file.write_text(exported.text, encoding="utf-8")
    head.write_text(json.dumps(signed), encoding="utf-8")
    cut.write_text("".join(lines[:-3]), encoding="utf-8")
    code, whole = run("audit", "verify", file, "--head", head, "--key", signed["key"], "--json")
    assert (code, document(whole)["holds"]) == (0, True)
    code, broken = run("audit", "verify", cut, "--head", head, "--json")
    assert (code, document(broken)["broken"]["kind"]) == (1, "cut")
    assert f"broken at {len(lines) - 2}: cut" in run("audit", "verify", cut, "--head", head)[1]
    with pytest.raises(NotAHead):
        run("audit", "verify", file, "--key", "ab" * 32)


def test_the_events_say_what_class_they_are(client: TestClient, house: House) -> None:
    exported = client.get("/api/v1/audit/export", headers=House.bearer(house.operator)).text.splitlines()
    events = [json.loads(line) for line in exported[:-1]]
    kinds = {event["unmapped"]["entry"]["action"]: event["type_uid"] for event in events}
    assert kinds["user.create"] == 300101
    assert kinds["tenant.create"] == 600301
    [record] = list(ocsf.records_in(exported[:1]))
    assert replace(record, entry=None) != record


def test_a_time_in_which_nothing_was_chained_is_empty(client: TestClient, house: House) -> None:
    asked = {"until": "2020-01-01T00:00:00Z"}
    assert client.get("/api/v1/audit/export", headers=House.bearer(house.operator), params=asked).text == ""
