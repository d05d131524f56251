"""The isolation matrix: every place where an id goes × every role of another tenant, word for word as if it were not.

An id in a path, a query, a body, or nested in a body's lists. The owner's own request shows that the id was a real one.
"""

import pytest

from appliance.access.principal import Role
from appliance.kit.ids import uuid7
from tests.integration.isolation.attack import Attack, leaked, told
from tests.integration.isolation.places import OPERATIONS, Operation, Place, leaves, placed, table_of
from tests.integration.isolation.town import ROLES, Household, Town

TENANTS = "/api/v1/tenants/{tenant_id}"
CASES = [(operation, place) for operation in OPERATIONS for place in operation.places if place.table]


def test_no_id_goes_unnoticed() -> None:
    unknown = {str(place) for operation in OPERATIONS for place in operation.places if place.table is None}
    assert unknown == set(), "say in ALIASES what these ids are of"
    assert {place.where for _, place in CASES} >= {"path", "query", "body"}
    assert any(0 in place.pointer for _, place in CASES)


NESTED = {
    "type": "object",
    "properties": {
        "document_id": {"type": "string", "format": "uuid"},
        "sets": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"users": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
            },
        },
        "state": {"type": "string"},
    },
}


def test_ids_are_found_however_deep_they_stand() -> None:
    assert list(leaves(NESTED, "")) == [(("document_id",), "document_id"), (("sets", 0, "users", 0), "users")]
    assert placed({"a": 1}, ("sets", 0, "users", 0), "x") == {"a": 1, "sets": [{"users": ["x"]}]}
    assert table_of("id", "/scim/v2/Users/{id}") == "users"
    assert table_of("model_id") == ""
    assert table_of("gadget_id") is None


def _answers(town: Town, operation: Operation, place: Place, role: Role) -> str:
    """What the operation gives away of another tenant's thing; empty: nothing."""
    assert place.table is not None
    sent = [{place: str(town.two.ids[place.table])}, {place: str(uuid7())}]
    foreign, missing = (Attack(operation, town.one.keys[role], town.one.ids, each).send(town) for each in sent)
    if leaks := leaked(foreign, town.two, sent[0]):
        return f"tells {leaks}"
    if foreign.status_code != missing.status_code or told(foreign, sent[0]) != told(missing, sent[1]):
        return f"{foreign.text} but {missing.text}"
    if foreign.status_code == 200 and place.where == "query":
        return "" if foreign.json()["items"] == [] else "a filter for another's thing finds something"
    if foreign.status_code == 403:  # by the role alone: the own one is refused too
        foreign = Attack(operation, town.one.keys[role], town.one.ids, {}).send(town)
        return "" if foreign.status_code == 403 else f"refused there, {foreign.status_code} at home"
    return "" if foreign.status_code == 404 else f"answers {foreign.status_code}: {foreign.text}"


@pytest.mark.parametrize("role", ROLES)
def test_another_tenant_s_id_is_as_unknown_as_one_that_does_not_exist(town: Town, role: Role) -> None:
    before = town.rows_of(town.two)
    found = {str(place): fault for operation, place in CASES if (fault := _answers(town, operation, place, role))}
    assert found == {}
    assert town.rows_of(town.two) == before


def _known(town: Town, household: Household, operation: Operation, place: Place) -> str:
    """Empty when somebody who may gets another answer than for an id that is nowhere; else what the last one got."""
    assert place.table is not None
    for key in (*household.keys.values(), town.officials[Role.OPERATOR]):
        sent = ({place: str(uuid7())}, {place: str(household.ids[place.table])})
        nowhere, here = (Attack(operation, key, household.ids, each).send(town) for each in sent)
        if here.status_code >= 500:
            return here.text
        if here.status_code not in (401, 403) and told(here, sent[1]) != told(nowhere, sent[0]):
            return ""
    return here.text


def test_the_owner_s_own_id_is_known(town: Town) -> None:
    found = {
        str(place): fault
        for number, (operation, place) in enumerate(CASES)
        if (fault := _known(town, town.settle(f"of its own {number}"), operation, place))
    }
    assert found == {}
