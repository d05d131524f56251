"""Verb × person × state of sharing: each cell of the table is what the API answers."""

from typing import Final

import pytest
from starlette.testclient import TestClient

from tests.integration.web.conftest import House
from tests.integration.web.desk import Desk
from tests.integration.web.test_sharing import Colleague

STATES: Final = ("everyone", "group", "user", "nobody")
READS: Final = {"editor in the group": "xx--", "editor named": "x-x-", "editor": "x---", "administrator": "x---"}
"""Whether a person reads a document in each state."""
VERBS: Final = (
    ("GET", "", 200, "reads"),
    ("GET", "/text", 409, "reads"),
    ("POST", "/retry", 409, "reads"),
    ("DELETE", "", 202, "reads"),
    ("GET", "/access", 200, "manages"),
    ("PUT", "/access", 200, "manages"),
    ("DELETE", "/access", 200, "manages"),
)


@pytest.mark.parametrize("state", STATES)
def test_every_verb_asks_whose_and_what_for(client: TestClient, house: House, state: str) -> None:
    desk = Desk(client, house.admin_of_one)
    people = {who: Colleague(client, desk, house, who.replace(" ", "-")) for who in READS if who != "administrator"}
    people["administrator"] = Colleague(client, desk, house, "second-admin", "tenant_admin")
    group = desk("POST", f"/{house.one}/groups", {"name": "Group"})[1]["id"]
    desk("PUT", f"/{house.one}/groups/{group}/members/{people['editor in the group'].id}")
    collection = people["editor"]("POST", "/collections", {"name": "c"})[1]["id"]
    lists = {
        "everyone": {"everyone": True},
        "group": {"groups": [group]},
        "user": {"users": [people["editor named"].id]},
        "nobody": {},
    }
    wrong = []
    for verb, path, status, needs in VERBS:
        for who, row in READS.items():
            name = f"{verb}{path.replace('/', '-')}-{who}.md"
            document = people["editor"].upload(collection, name)[1]["document"]["id"]
            people["administrator"]("PUT", f"/documents/{document}/access", lists[state])
            reads = row[STATES.index(state)] == "x"
            expected = status if reads else 404
            if needs == "manages":
                expected = status if who == "administrator" else 403
            body = lists[state] if verb == "PUT" else None
            listed = name in people[who].sees()
            told, answer = people[who](verb, f"/documents/{document}{path}", body)
            if told != expected or listed != reads:
                wrong.append((verb, path, who, told, expected, listed, answer))
    assert not wrong


def test_a_key_whose_scopes_do_not_hold_it_manages_no_access(client: TestClient, house: House) -> None:
    desk = Desk(client, house.admin_of_one)
    made = desk("GET", f"/{house.one}/users?role=tenant_admin")[1]["items"][0]
    key = desk("POST", f"/{house.one}/users/{made['id']}/keys", {"name": "k", "scopes": ["read_documents"]})[1]["key"]
    answer = client.get("/api/v1/documents-access", headers=House.bearer(key))
    assert answer.status_code == 403
