"""The isolation matrix, generated from the API's own description: every operation with another tenant's ids.

An id in a path, in a body, in a list in a body or in a filter: the answer is 404 (a filtered list may be empty), word
for word the answer that an id gets which exists nowhere. The owner's own request shows that the id was a real one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert, text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.entry.web import describe
from appliance.kit import clock
from appliance.kit.database import Base
from appliance.kit.ids import uuid7
from tests.integration.web.conftest import House

DESCRIPTION = describe().openapi()
NAME = "the other tenant's very own name"


@dataclass(frozen=True, slots=True)
class Case:
    """One place in one operation where an id goes."""

    verb: str
    path: str
    where: str
    name: str
    kind: str

    def __str__(self) -> str:
        """Its name in the test's report."""
        return f"{self.verb} {self.path} {self.where} {self.name}"


PATH_OF_ADAPTERS = "/api/v1/tenants/{tenant_id}/adapters"
KINDS = {
    "collection_id": "collection",
    "document_id": "document",
    "job_id": "job",
    "conversation_id": "conversation",
    "collection": "collection",
    "collections": "collection",
    "conversation": "conversation",
    "tenant_id": "tenant",
    "user_id": "user",
    "group_id": "group",
    "key_id": "key",
    "session_id": "session",
    "user": "user",
    "group": "group",
    "adapter_id": "adapter",
    "quota_id": "quota",
    "subject_id": "user",
    "scim_user_id": "scim_user",
    "scim_group_id": "scim_group",
}
CHECKED_AGAINST_FILES = frozenset({f"POST {PATH_OF_ADAPTERS}"})
"""Whether the owner's own is taken needs real weights on disk: tests/integration/catalog/test_adapters.py."""
PEOPLE = "/api/v1/tenants/{tenant_id}/"
SCIM = "/scim/v2/"
OF_OPERATORS = "/api/v1/tenants/{tenant_id}"
"""A tenant itself, and suspending it: refused to all others before any id is looked at."""
ROUTES = "/api/v1/routes/"
"""As is leading a route anywhere."""


def _resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        found: Mapping[str, Any] = DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _body(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    return _resolve(next(iter(content.values()))["schema"]) if content else {}


def _operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, verbs in DESCRIPTION["paths"].items():
        for verb, operation in verbs.items():
            yield verb.upper(), path, operation


def _cases() -> Iterator[Case]:
    for verb, path, operation in _operations():
        for parameter in operation.get("parameters", []):
            if parameter["name"] in KINDS:
                yield Case(verb, path, parameter["in"], parameter["name"], KINDS[parameter["name"]])
        for name in _body(operation).get("properties", {}):
            if name in KINDS and not (name == "user" and path.startswith("/v1/")):  # OpenAI's: any text, goes nowhere
                yield Case(verb, path, "body", name, KINDS[name])


CASES = list(_cases())
OF_THE_APPLIANCE = {"entry_name", "model", "model_id", "deployment_id", "version_id", "route_name"}
"""A route may be for some tenants only: tests/integration/serving/test_operating.py."""
OF_THE_PROTOCOL = {"scim_name", "of_tenant"}
"""A schema or resource type of SCIM, the same for all; a tenant that somebody not yet known asks to sign in at."""


def test_no_id_goes_unnoticed() -> None:
    unknown = {
        parameter["name"]
        for _, _, operation in _operations()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "path" and parameter["name"] not in KINDS
    }
    assert unknown <= OF_THE_APPLIANCE | OF_THE_PROTOCOL, "say in KINDS what these ids are of"


@pytest.fixture
def possessions(databases: Databases, house: House) -> dict[UUID, dict[str, UUID]]:
    """One of each thing in each of the two tenants."""
    return {tenant: _possess(databases, tenant) for tenant in (house.one, house.two)}


def _possess(databases: Databases, tenant: UUID) -> dict[str, UUID]:
    tables = Base.metadata.tables
    base = _model(databases)
    ids = {kind: uuid7() for kind in set(KINDS.values())}
    with databases.app.session(tenant) as session:
        user = session.execute(text("select id from users where role = 'editor'")).scalar_one()
        key = session.execute(text("select id from api_keys where user_id = :user"), {"user": user}).scalar_one()
        ids |= {"tenant": tenant, "user": user, "key": key}

        def add(table: str, **values: object) -> None:
            session.execute(insert(tables[table]).values(tenant_id=tenant, **values))

        add("collections", id=ids["collection"], name=NAME)
        add("documents", id=ids["document"], collection_id=ids["collection"], name=NAME, state="failed")
        revision = uuid7()
        add("revisions", id=revision, document_id=ids["document"], number=1, sha256="0" * 64, bytes=1, text=NAME)
        add("jobs", id=ids["job"], kind="test", state="succeeded")  # its event stream ends
        add("groups", id=ids["group"], name=NAME)
        add("users", id=ids["scim_user"], login=f"scim of {tenant}", name=NAME, role="member")
        add("groups", id=ids["scim_group"], name=f"{NAME} (SCIM)")
        add("directory_links", kind="scim", user_id=ids["scim_user"])
        add("directory_links", kind="scim", group_id=ids["scim_group"])
        add("quotas", id=ids["quota"], kind="user", subject_id=user, documents=1)
        add("conversations", id=ids["conversation"], user_id=user, title=NAME)
        numbers: dict[str, object] = {"version": 1, "bytes": 1, "rank": 1, "modules": [], "verified_at": clock.now()}
        add("adapters", id=ids["adapter"], name=NAME, base_id=base, digest="0" * 64, **numbers)
        life = {"idle_seconds": 60, "seen_at": clock.now(), "expires_at": clock.now() + timedelta(hours=1)}
        add("user_sessions", id=ids["session"], user_id=user, hash=uuid7().bytes, how=NAME, device=NAME, **life)
    return ids


def _model(databases: Databases) -> UUID:
    """A model version of the appliance, whose files are nowhere."""
    base = uuid7()
    told: dict[str, object] = {"kind": "language", "bytes": 1, "languages": [], "licence": "MIT", "directory": "/none"}
    with databases.operator.session() as session:
        row = insert(Base.metadata.tables["model_versions"])
        session.execute(row.values(id=base, name="base", digest=base.hex, verified_at=clock.now(), **told))
    return base


def _value(schema: Mapping[str, Any]) -> object:
    schema = _resolve(schema)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if "enum" in schema:
        return schema["enum"][0]
    kinds: dict[str, object] = {
        "string": "some words, and more",
        "integer": 1,
        "boolean": False,
        "array": [],
        "object": {},
    }
    return kinds[schema.get("type", "string")]


def _request(client: TestClient, case: Case, key: str, ids: Mapping[str, UUID], other: UUID) -> httpx2.Response:
    """The operation with one foreign id, every other id the caller's own."""
    operation = DESCRIPTION["paths"][case.path][case.verb.lower()]
    path, query = case.path, {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        here = case.where == parameter["in"] and case.name == name
        if parameter["in"] == "path":
            own = ids[KINDS[name]] if name in KINDS else "default"  # the appliance's, by name
            path = path.replace(f"{{{name}}}", str(other if here else own))
        elif here:
            query[name] = str(other)
    schema = _body(operation)
    body: Any = {name: _value(schema["properties"][name]) for name in schema.get("required", [])}
    if path.startswith(SCIM) and schema:
        body = next(iter(operation["requestBody"]["content"].values()))["example"]
    if case.where == "body":
        wants_list = "array" in str(_resolve(schema["properties"][case.name]))
        body[case.name] = [str(other)] if wants_list else str(other)
    headers = House.bearer(key)
    if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        kinds = {name: str(schema["properties"][name]) for name in body}
        files = {name: ("a.txt", b"some words", "text/plain") for name, told in kinds.items() if "octet-stream" in told}
        data = {name: str(uuid7()) for name, told in kinds.items() if "octet-stream" not in told}
        return client.request(case.verb, path, headers=headers, params=query, files=files, data=data)
    return client.request(case.verb, path, headers=headers, params=query, json=body if schema else None)


def _told(answer: httpx2.Response, wanted: UUID) -> dict[str, object]:
    body: dict[str, object] = answer.json()
    return {name: str(value).replace(str(wanted), "?") for name, value in body.items()}


def test_another_tenant_s_id_is_as_unknown_as_one_that_does_not_exist(
    client: TestClient, house: House, possessions: dict[UUID, dict[str, UUID]]
) -> None:
    assert {str(case) for case in CASES if (fault := _leak(client, house, possessions, case))} == set(), fault


def _leak(client: TestClient, house: House, possessions: dict[UUID, dict[str, UUID]], case: Case) -> str:
    """What an operation tells of another tenant's thing; empty: nothing."""
    mine, theirs, nowhere = possessions[house.one], possessions[house.two][case.kind], uuid7()
    key = _key(house, case.path, house.one)
    foreign = _request(client, case, key, mine, theirs)
    missing = _request(client, case, key, mine, nowhere)
    if case.where == "query" and "text/csv" in foreign.headers["content-type"]:
        same = foreign.text == missing.text
    elif case.where == "query" and foreign.status_code == 200:
        same = foreign.json()["items"] == [] == missing.json()["items"]
    else:
        refused = 403 if _of_operators(case) else 404
        same = foreign.status_code == refused == missing.status_code and _told(foreign, theirs) == _told(
            missing, nowhere
        )
    return "" if same and NAME not in foreign.text else foreign.text


def _key(house: House, path: str, tenant: UUID) -> str:
    """A key that may do all of this in its own tenant."""
    first = tenant == house.one
    if path.startswith(SCIM):
        return house.scim_of_one if first else house.scim_of_two
    if path.startswith(PEOPLE):
        return house.admin_of_one if first else house.admin_of_two
    return house.member_of_one if first else house.member_of_two


def _of_operators(case: Case) -> bool:
    if case.path.startswith(f"{PEOPLE}directory/"):
        return case.verb in ("PUT", "DELETE")  # it names hosts that this server reaches
    appliance_wide = (OF_OPERATORS, f"{OF_OPERATORS}/suspend", f"{OF_OPERATORS}/resume")
    return case.path in appliance_wide or case.path.startswith(ROUTES)


def test_the_owner_s_own_id_is_known(
    client: TestClient, house: House, possessions: dict[UUID, dict[str, UUID]]
) -> None:
    mine = possessions[house.two]
    removed = {(case.verb, case.path): case for case in CASES if case.verb == "DELETE"}  # once each, parts first
    parts_first = sorted(removed.values(), key=lambda case: (case.path.startswith((PEOPLE, SCIM)), -len(case.path)))
    for case in [*(case for case in CASES if case.verb != "DELETE"), *parts_first]:
        if f"{case.verb} {case.path}" in CHECKED_AGAINST_FILES or case.path.startswith(f"{PEOPLE}directory/"):
            continue  # nothing is set up there
        key = _key(house, case.path, house.two)
        answer = _request(client, case, key, mine, mine[case.kind])
        assert answer.status_code not in (401, 404, 422), (case, answer.text)
