"""Ten thousand requests with another tenant's ids anywhere, and nothing of that tenant comes back or changes.

Each is sent twice: with the other's ids, and with ids that exist nowhere. Both get the same answer, word for word.
Again with the application's own filters by tenant taken out of its SQL: row security alone must hold.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import httpx2
import psycopg
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import event

from appliance.access.principal import Role
from appliance.kit import paging
from appliance.kit.ids import uuid7
from migrations.policies import RULES
from tests.conftest import SEED
from tests.integration.isolation.attack import Attack, leaked, told
from tests.integration.isolation.places import OPERATIONS, Operation, Place
from tests.integration.isolation.town import ROLES, Town

BATCHES: Final = 10
EXAMPLES: Final = 500
"""Attacks in a batch; each is two requests."""
CONTENT: Final = {name for name, rules in RULES.items() if rules.tenant_column and "select" not in rules.operator}
ASKED: Final = {place.table for each in OPERATIONS for place in each.places if place.table}
FILTERS: Final = ("name", "login", "kind", "state")
FILTER: Final = re.compile(r'"?\w+"?\.tenant_id = %\(\w+\)s(::UUID)?')
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose key asks what, and what stands where: a table's name for the other's row of it, None for the own one."""

    operation: Operation
    role: Role
    foreign: tuple[tuple[Place, str], ...]
    cursor: str | None
    repeats: bool
    filtered: str | None


def _open_to(operation: Operation, role: Role) -> bool:
    """Where something foreign can be sent. Operator and auditor see all people; only to content are they strangers."""
    if not (operation.places or operation.takes("cursor") or operation.takes("idempotency-key")):
        return False
    content = any(place.table in CONTENT for place in operation.places)
    return role in ROLES or (content and not operation.path.startswith("/api/v1/tenants/"))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """An attack with at least one thing of the other tenant's, where the operation takes any."""
    role = draw(st.sampled_from([*ROLES, *ROLES[:1] * 2, Role.OPERATOR, Role.AUDITOR]))
    operation = draw(st.sampled_from([each for each in OPERATIONS if _open_to(each, role)]))
    tables = sorted(
        CONTENT if role not in ROLES else {place.table for each in OPERATIONS for place in each.places if place.table}
    )
    foreign = []
    for place in operation.places:
        right = [place.table] if place.table in tables else []
        own = [None] * (40 if place.table == "tenants" and len(operation.places) > 1 else 2)  # else none gets in
        choice = draw(st.sampled_from([*right * 6, *own, *tables]))
        if choice is not None:
            foreign.append((place, choice))
    if operation.places and not foreign:
        place = next((each for each in operation.places if each.table != "tenants"), operation.places[0])
        foreign.append((place, place.table if place.table in tables else tables[0]))
    filters = [None, *(name for name in FILTERS if operation.takes(name))]
    return Plan(
        operation,
        role,
        tuple(foreign),
        draw(st.sampled_from(tables)) if operation.takes("cursor") and draw(st.booleans()) else None,
        operation.takes("idempotency-key") and draw(st.booleans()),
        draw(st.sampled_from(filters)),
    )


class Siege:
    """Carries plans out against a town, and remembers what came of it."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.requests = 0
        self.statuses: set[int] = set()
        self._number = itertools.count()
        known = town.two.planted.rows["idempotency_keys"]
        town.more("idempotency_keys", [{**known, "id": uuid7(), "key": f"theirs-{n}"} for n in range(EXAMPLES * 2)])

    def carry_out(self, plan: Plan) -> None:
        """Send it and its twin. Raises AssertionError for anything that is given away."""
        with_theirs, with_nothing = self._attack(plan, theirs=True), self._attack(plan, theirs=False)
        foreign, missing = with_theirs.send(self._town), with_nothing.send(self._town)
        self.requests += 2
        self.statuses |= {foreign.status_code}
        people = plan.role in ROLES
        sent, instead = (_sent(each) for each in (with_theirs, with_nothing))
        assert leaked(foreign, self._town.two, sent, people=people) == set(), (plan, foreign.text)
        assert foreign.status_code not in (401, 500), (plan, foreign.text)
        assert foreign.status_code == missing.status_code, (plan, foreign.text, missing.text)
        assert "idempotency-replayed" not in foreign.headers, plan
        if foreign.status_code >= 400 or (plan.operation.verb == "GET" and plan.cursor is None):
            assert told(foreign, sent) == told(missing, instead), plan
        if plan.foreign and any(place.where == "path" for place, _ in plan.foreign):
            assert foreign.status_code >= 400, plan

    def _attack(self, plan: Plan, *, theirs: bool) -> Attack:
        town, two = self._town, self._town.two
        key = town.officials.get(plan.role) or town.one.key(plan.role, plan.operation.path)
        chosen = {place: str(two.ids.get(table, two.tenant) if theirs else uuid7()) for place, table in plan.foreign}
        query, headers = {}, {}
        if plan.cursor is not None:
            query["cursor"] = paging.encode(two.ids.get(plan.cursor, two.tenant) if theirs else uuid7())
        if plan.filtered == "state":
            query["state"] = "suspended"
        elif plan.filtered is not None:
            query[plan.filtered] = f"{two.planted.content} name" if theirs else "nobody's name"
        if plan.repeats:
            headers["idempotency-key"] = f"{'theirs' if theirs else 'nobody-s'}-{next(self._number)}"
        return Attack(plan.operation, key, town.one.ids, chosen, query, headers)


def _sent(attack: Attack) -> dict[Any, str]:
    return {**attack.chosen, **attack.query, **attack.headers}


def _besiege(town: Town, batch: int) -> Siege:
    """A batch of attacks; at its end the other tenant has just what it had."""
    siege = Siege(town)
    before = town.rows_of(town.two)

    @seed(SEED + batch)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(plans())
    def attack(plan: Plan) -> None:
        siege.carry_out(plan)

    attack()
    assert town.rows_of(town.two) == before
    assert siege.requests >= 2 * EXAMPLES
    assert {200, 403, 404} <= siege.statuses
    return siege


@pytest.mark.repeated
@pytest.mark.parametrize("batch", range(BATCHES))
def test_nothing_of_another_tenant_is_told_or_touched(town: Town, batch: int) -> None:
    _besiege(town, batch)


def _without_filters(town: Town) -> Callable[[], int]:
    """Take "of this tenant" out of every statement of the app login; how many were changed."""
    changed = itertools.count()

    class Unfiltered(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **how: Any) -> Self:  # noqa: ANN401 - the driver's
            bare, filters = FILTER.subn("true", query)
            if filters and query.lstrip().lower().startswith(("select", "update", "delete", "with")):
                next(changed)
                query = bare
            return super().execute(query, params, **how)

    def use(connection: "psycopg.Connection[Any]", *_: object) -> None:
        connection.cursor_factory = Unfiltered

    event.listen(town.app.state.databases.app.engine, "checkout", use)
    return lambda: next(changed)


@pytest.mark.repeated
@pytest.mark.parametrize("batch", range(BATCHES))
def test_row_security_alone_keeps_tenants_apart_when_every_filter_is_forgotten(town: Town, batch: int) -> None:
    changed = _without_filters(town)
    _besiege(town, BATCHES + batch)
    assert changed() > 20


def test_the_siege_sees_what_is_given_away(town: Town) -> None:
    """The same attack as somebody of the other tenant: it must find something."""
    town.one = replace(town.one, keys=town.two.keys, directory=town.two.directory)
    operation = next(each for each in OPERATIONS if str(each) == "GET /api/v1/documents/{document_id}")
    plan = Plan(operation, Role.EDITOR, ((operation.places[0], "documents"),), None, repeats=False, filtered=None)
    with pytest.raises(AssertionError, match="content-"):
        Siege(town).carry_out(plan)


LISTS = [each for each in OPERATIONS if each.verb == "GET" and each.takes("cursor")]


def _seen(town: Town) -> dict[str, httpx2.Response]:
    """Every list as each role of the first tenant sees it."""
    return {
        f"{operation} {role}": Attack(operation, town.one.key(role, operation.path), town.one.ids, {}).send(town)
        for operation in LISTS
        for role in ROLES
    }


def test_no_list_and_no_count_knows_how_much_another_tenant_has(town: Town) -> None:
    before = {name: answer.text for name, answer in _seen(town).items()}
    for number in range(3):
        town.settle(f"newcomer {number}")
    after = _seen(town)
    assert {name: answer.text for name, answer in after.items() if answer.text != before[name]} == {}
    assert {answer.status_code for answer in after.values()} <= {200, 403, 404}
