"""A tenant with quotas, and workers that are processes."""

from collections.abc import Callable
from uuid import UUID, uuid5

import pytest

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.access.web import Databases
from appliance.drivers.stopwatch import MemoryStopwatch
from appliance.tenants.service import Tenants
from appliance.usage import connect
from appliance.usage.budgets import Budgets
from tests.factories.points import NAMES
from tests.factories.quotas import limited


@pytest.fixture
def principal(databases: Databases) -> Principal:
    with databases.operator.session() as session:
        tenant = Tenants(session).create("one").id
    return Principal(TenantId(tenant), UserId(uuid5(NAMES, "user")), Role.MEMBER, "Member", key=uuid5(NAMES, "key"))


Limiting = Callable[..., None]


@pytest.fixture
def limit(databases: Databases, principal: Principal) -> Limiting:
    """Give the tenant, or another subject, a quota."""

    def make(kind: str = "tenant", subject: UUID | None = None, **amounts: int) -> None:
        limited(databases, principal.tenant, kind, subject, **amounts)

    return make


@pytest.fixture
def stopwatch() -> MemoryStopwatch:
    return MemoryStopwatch()


@pytest.fixture
def budgets(databases: Databases, stopwatch: MemoryStopwatch) -> Budgets:
    made = connect.budgets(databases.system, stopwatch)
    made.short.greet()
    return made
