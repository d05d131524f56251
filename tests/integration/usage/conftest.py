"""A tenant with quotas, and workers that are processes."""

from collections.abc import Callable
from uuid import UUID, uuid5

import pytest

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.access.web import Databases
from appliance.drivers.stopwatch import MemoryStopwatch
from appliance.kit.ids import uuid7
from appliance.tenants.service import Tenants
from appliance.usage import connect
from appliance.usage.budgets import Budgets
from appliance.usage.tables import QuotaRow
from tests.factories.points import NAMES


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
        with databases.operator.session() as session:
            session.add(
                QuotaRow(
                    id=uuid7(),
                    tenant_id=principal.tenant,
                    kind=kind,
                    subject_id=subject or principal.tenant,
                    **amounts,
                )
            )

    return make


@pytest.fixture
def stopwatch() -> MemoryStopwatch:
    return MemoryStopwatch()


@pytest.fixture
def budgets(databases: Databases, stopwatch: MemoryStopwatch) -> Budgets:
    made = connect.budgets(databases.system, stopwatch)
    made.short.greet()
    return made
