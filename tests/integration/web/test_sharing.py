"""Who may read what, over HTTP: lists of collections and documents, in force with the answer, for everything."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from appliance.access.web import Databases
from appliance.kit import crypto
from appliance.kit.ids import uuid7
from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk, add, key_for

Ask = Callable[..., tuple[int, Any]]


class Colleague:
    """A user of tenant one with a key."""

    def __init__(self, client: TestClient, admin: Desk, house: House, login: str, role: str = "editor") -> None:
        user = add(admin, house.one, login, role=role)
        self.id = user["id"]
        self.headers = House.bearer(key_for(admin, user)["key"])
        self._client = client

    def __call__(self, verb: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = self._client.request(verb, f"/api/v1{path}", json=body, headers=self.headers)
        return answer.status_code, answer.json() if answer.content else None

    def upload(self, collection: str, name: str, content: bytes = b"# Leave\n\n25 days.\n") -> tuple[int, Any]:
        path = f"/api/v1/collections/{collection}/documents"
        answer = self._client.post(path, files={"file": (name, content)}, headers=self.headers)
        return answer.status_code, answer.json()

    def sees(self) -> set[str]:
        return {one["name"] for one in self("GET", "/documents")[1]["items"]}


@pytest.fixture
def desk(client: TestClient, house: House) -> Desk:
    return Desk(client, house.admin_of_one)


@pytest.fixture
def admin(client: TestClient, house: House) -> Ask:
    def ask(verb: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = client.request(verb, f"/api/v1{path}", json=body, headers=House.bearer(house.admin_of_one))
        return answer.status_code, answer.json() if answer.content else None

    return ask


@pytest.fixture
def ann(client: TestClient, desk: Desk, house: House) -> Colleague:
    return Colleague(client, desk, house, "ann")


@pytest.fixture
def bob(client: TestClient, desk: Desk, house: House) -> Colleague:
    return Colleague(client, desk, house, "bob")


@pytest.fixture
def board(desk: Desk, house: House, ann: Colleague) -> str:
    """A group of which Ann is."""
    group: str = desk("POST", f"/{house.one}/groups", {"name": "Board"})[1]["id"]
    assert desk("PUT", f"/{house.one}/groups/{group}/members/{ann.id}")[0] == 204
    return group


@pytest.fixture
def handbook(ann: Colleague) -> str:
    made: str = ann("POST", "/collections", {"name": "handbook"})[1]["id"]
    return made


def test_a_document_has_its_collection_s_list_until_it_has_its_own(
    admin: Ask, ann: Colleague, bob: Colleague, board: str, handbook: str
) -> None:
    document = ann.upload(handbook, "leave.md")[1]["document"]["id"]
    shown = admin("GET", f"/documents/{document}/access")[1]
    assert (shown["everyone"], shown["inherited"], shown["groups"], shown["users"]) == (True, True, [], [])
    assert bob.sees() == {"leave.md"}

    told = admin("PUT", f"/collections/{handbook}/access", {"groups": [board]})
    assert told == (200, admin("GET", f"/collections/{handbook}/access")[1])
    assert told[1]["groups"] == [{"id": board, "name": "Board"}]
    assert (ann.sees(), bob.sees()) == ({"leave.md"}, set())
    assert bob("GET", f"/documents/{document}")[0] == 404
    assert bob("GET", f"/documents/{document}/text")[0] == 404

    own = admin("PUT", f"/documents/{document}/access", {"users": [bob.id]})[1]
    assert (own["inherited"], [one["name"] for one in own["users"]]) == (False, ["bob"])
    assert own["pending_since"] is not None
    assert (ann.sees(), bob.sees()) == (set(), {"leave.md"})
    admin("PUT", f"/collections/{handbook}/access", {"everyone": True})
    assert ann.sees() == set(), "a list of its own is not the collection's"

    assert admin("DELETE", f"/documents/{document}/access")[1]["inherited"] is True
    assert (ann.sees(), bob.sees()) == ({"leave.md"}, {"leave.md"})
    assert admin("PUT", f"/documents/{document}/access", {})[1]["everyone"] is False
    assert (ann.sees(), bob.sees()) == (set(), set())


def test_a_new_document_inherits_and_who_may_not_read_it_adds_none(
    admin: Ask, ann: Colleague, bob: Colleague, board: str, handbook: str
) -> None:
    admin("PUT", f"/collections/{handbook}/access", {"groups": [board]})
    assert ann.upload(handbook, "plans.md")[0] == 202
    assert bob("GET", f"/collections/{handbook}")[0] == 404, "a name alone may tell something"
    assert bob.upload(handbook, "other.md")[0] == 404
    shown = ann.upload(handbook, "open.md")[1]["document"]["id"]
    admin("PUT", f"/documents/{shown}/access", {"everyone": True})
    assert bob("GET", f"/collections/{handbook}")[1]["documents"] == {"queued": 1}, "counts what is read, not what is"
    assert [status for status, _ in (bob.upload(handbook, "other.md"), bob.upload(handbook, "plans.md"))] == [403, 403]
    assert bob.upload(handbook, "plans.md")[1]["code"] == "not_your_document"
    assert bob.upload(handbook, "open.md", b"new")[0] == 202
    assert ann.sees() == {"plans.md", "open.md"}


def test_who_may_not_read_all_of_a_collection_does_not_delete_it(
    admin: Ask, ann: Colleague, bob: Colleague, handbook: str
) -> None:
    document = ann.upload(handbook, "leave.md")[1]["document"]["id"]
    bob.upload(handbook, "canteen.md")
    admin("PUT", f"/documents/{document}/access", {"users": [ann.id]})
    assert bob("DELETE", f"/collections/{handbook}")[1]["code"] == "holds_others"
    for verb, path in (("DELETE", ""), ("POST", "/retry"), ("GET", "/text"), ("GET", "")):
        assert bob(verb, f"/documents/{document}{path}")[0] == 404
    assert ann.sees() == {"leave.md", "canteen.md"}
    assert admin("DELETE", f"/collections/{handbook}")[0] == 202
    assert {one["state"] for one in ann("GET", "/documents")[1]["items"]} == {"deleting"}


def test_only_administrators_see_and_change_lists_those_too_of_what_they_may_not_read(
    admin: Ask, ann: Colleague, bob: Colleague, handbook: str
) -> None:
    document = ann.upload(handbook, "leave.md")[1]["document"]["id"]
    admin("PUT", f"/documents/{document}/access", {"users": [ann.id]})
    assert admin("GET", f"/documents/{document}")[0] == 404, "to manage access is not to read"
    items = admin("GET", f"/documents-access?collection={handbook}&name=leave.md")[1]["items"]
    assert [(one["id"], one["users"], one["inherited"]) for one in items] == [(document, [ann.id], False)]
    assert admin("GET", "/documents-access?name=other.md")[1]["items"] == []
    assert admin("GET", f"/documents-access?collection={uuid7()}")[0] == 404
    for verb, path in (
        ("GET", "/documents-access"),
        ("GET", f"/documents/{document}/access"),
        ("PUT", f"/documents/{document}/access"),
        ("DELETE", f"/documents/{document}/access"),
        ("GET", f"/collections/{handbook}/access"),
        ("PUT", f"/collections/{handbook}/access"),
    ):
        assert ann(verb, path, {"everyone": True} if verb == "PUT" else None)[0] == 403
    assert bob.sees() == set()


def test_a_list_names_only_groups_and_users_of_its_tenant(
    admin: Ask, ann: Colleague, handbook: str, client: TestClient, house: House
) -> None:
    document = ann.upload(handbook, "leave.md")[1]["document"]["id"]
    theirs = Desk(client, house.admin_of_two)
    group = theirs("POST", f"/{house.two}/groups", {"name": "Theirs"})[1]["id"]
    user = add(theirs, house.two, "zoe")["id"]
    for path in (f"/documents/{document}/access", f"/collections/{handbook}/access"):
        for body, code in (({"groups": [group]}, "group_not_found"), ({"users": [user]}, "user_not_found")):
            told = admin("PUT", path, body)
            assert (told[0], told[1]["code"]) == (404, code)
        assert admin("PUT", path, {"roles": ["editor"]})[0] == 422
        assert admin("GET", path)[1]["everyone"] is True
    for path in (f"/documents/{uuid7()}/access", f"/collections/{uuid7()}/access"):
        assert [admin("GET", path)[0], admin("PUT", path, {"everyone": True})[0]] == [404, 404]


def test_every_change_of_a_list_is_recorded_with_its_digests(
    admin: Ask, ann: Colleague, board: str, handbook: str, databases: Databases
) -> None:
    document = ann.upload(handbook, "leave.md")[1]["document"]["id"]
    admin("PUT", f"/collections/{handbook}/access", {"groups": [board]})
    admin("PUT", f"/documents/{document}/access", {"users": [ann.id]})
    admin("DELETE", f"/documents/{document}/access")
    query = "select action, object, before, after, details from audit_entries where action like '%.share' order by id"
    with databases.operator.session() as session:
        first, second, third = session.execute(text(query)).all()
    assert (first.action, first.object, first.details) == (
        "collection.share",
        handbook,
        {"readers": [f"group:{board}"], "documents": 1},
    )
    assert (second.object, second.details) == (document, {"readers": [f"user:{ann.id}"], "inherited": False})
    assert (third.before, third.after, third.details["inherited"]) == (second.after, second.before, True)
    assert first.after == second.before != first.before


def test_the_metrics_tell_how_far_the_index_is_behind(
    admin: Ask, ann: Colleague, handbook: str, client: TestClient, databases: Databases
) -> None:
    document = ann.upload(handbook, "leave.md")[1]["document"]["id"]

    def told() -> dict[str, float]:
        lines = client.get("/metrics", headers=_key_of_metrics(client)).text.splitlines()
        found = (line.split() for line in lines if line.startswith("appliance_access_"))
        return {name.removeprefix("appliance_access_"): float(value) for name, value in found}

    assert told() == {"changes_waiting": 0, "staleness_seconds": 0}
    admin("PUT", f"/documents/{document}/access", {"users": [ann.id]})
    with databases.system.session() as session:
        earlier = "update documents set access_changed_at = access_changed_at - interval '1 hour' where id = :id"
        session.execute(text(earlier), {"id": UUID(document)})
    admin("PUT", f"/documents/{document}/access", {"everyone": True})
    now = told()
    assert now["changes_waiting"] == 1
    assert 3600 <= now["staleness_seconds"] < 3700, "a second change does not make the first one younger"


def _key_of_metrics(client: TestClient) -> dict[str, str]:
    settings = client.app.state.settings  # type: ignore[attr-defined] # Starlette's application
    return House.bearer(crypto.kept(settings.layout.secret("metrics-key")))


def test_only_administrators_explain_and_look_through_another_s_eyes(
    admin: Ask, ann: Colleague, bob: Colleague, handbook: str, client: TestClient, house: House
) -> None:
    document = ann.upload(handbook, "leave.md")[1]["document"]["id"]
    path = f"/documents/{document}/explain/{bob.id}"
    told = admin("GET", path)[1]
    assert (told["document"], told["login"], told["may_read"]) == ("leave.md", "bob", False)
    assert [one["code"] for one in told["reasons"]] == ["active", "role", "listed", "not_ready"]
    theirs = add(Desk(client, house.admin_of_two), house.two, "zoe")["id"]
    for user in (theirs, uuid7()):
        assert admin("GET", f"/documents/{document}/explain/{user}")[1]["code"] == "user_not_found"
        assert admin("POST", f"/search/as/{user}", {"query": "leave"})[1]["code"] == "user_not_found"
    assert admin("GET", f"/documents/{uuid7()}/explain/{bob.id}")[1]["code"] == "document_not_found"
    assert ann("GET", path)[0] == ann("POST", f"/search/as/{bob.id}", {"query": "leave"})[0] == 403
    assert admin("POST", f"/search/as/{bob.id}", {"query": "leave"})[0] == 503, "there is no index here"
