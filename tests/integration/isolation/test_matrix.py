"""The isolation matrix: every place where an id goes × every role of another tenant, word for word as if it were not.

An id in a path, a query, a body, or nested in a body's lists. The owner's own request shows that the id was a real one.
"""

import pytest

from appliance.access.principal import Role
from appliance.kit.ids import uuid7
from tests.integration.isolation.attack import Attack, leaked, told
from tests.integration.isolation.places import OPERATIONS, Operation, Place
from tests.integration.isolation.town import ROLES, Household, Town

TENANTS = "/api/v1/tenants/{tenant_id}"
CASES = [(operation, place) for operation in OPERATIONS for place in operation.places if place.table]
pytestmark = pytest.mark.timeout(900)


def _answers(town: Town, operation: Operation, place: Place, role: Role) -> str:
    """What the operation gives away of another tenant's thing; empty: nothing."""
    assert place.table is not None
    sent = [{place: str(town.two.ids[place.table])}, {place: str(uuid7())}]
    key = town.one.key(role, operation.path)
    foreign, missing = (Attack(operation, key, town.one.ids, each).send(town) for each in sent)
    if leaks := leaked(foreign, town.two, sent[0]):
        return f"tells {leaks}"
    if foreign.status_code != missing.status_code or told(foreign, sent[0]) != told(missing, sent[1]):
        return f"{foreign.text} but {missing.text}"
    if foreign.status_code == 200 and place.where == "query":
        found = foreign.json().get("items") if foreign.headers["content-type"] == "application/json" else None
        return "a filter for another's thing finds something" if found else ""
    if foreign.status_code == 403:  # by the role alone: the own one is refused too
        foreign = Attack(operation, key, town.one.ids, {}).send(town)
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
    refused = ""
    for key in (*household.keys.values(), household.directory):
        sent = ({place: str(uuid7())}, {place: str(household.ids[place.table])})
        nowhere, here = (Attack(operation, key, household.ids, each).send(town) for each in sent)
        if here.status_code >= 500:
            return here.text
        if here.status_code != 403:
            refused = here.text
            if told(here, sent[1]) != told(nowhere, sent[0]):
                return ""
    return refused  # empty too where only an operator may


PARTS = 10


@pytest.mark.repeated
@pytest.mark.parametrize("part", range(PARTS))
def test_the_owner_s_own_id_is_known(town: Town, part: int) -> None:
    found = {
        str(place): fault
        for number, (operation, place) in enumerate(CASES[part::PARTS])
        if place.where != "query"  # a filter's own rows may be of another day or kind
        and (fault := _known(town, town.settle(f"of its own {number}"), operation, place))
    }
    assert found == {}
