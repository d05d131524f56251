"""Two tenants and a worker of one process, on the test's own database."""

import pytest
from sqlalchemy import text

from appliance.access.principal import TenantId
from appliance.access.web import Databases
from appliance.kit.ids import uuid7
from tests.integration.jobs.work import Shop, Tenants


@pytest.fixture
def tenants(databases: Databases) -> Tenants:
    """Two rows of tenants."""
    made = Tenants(TenantId(uuid7()), TenantId(uuid7()))
    with databases.operator.session() as session:
        for name, tenant in (("a", made.a), ("b", made.b)):
            session.execute(text("insert into tenants (id, name) values (:id, :name)"), {"id": tenant, "name": name})
    return made


@pytest.fixture
def shop(databases: Databases) -> Shop:
    """No job kinds yet: add them to ``shop.registry``."""
    return Shop(databases)
