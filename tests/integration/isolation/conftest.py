"""The whole web application in this process, two tenants with a row in every table, and a key for each role."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine

from appliance.access.web import Databases
from appliance.kit.settings import Settings
from tests.integration.conftest import Cluster
from tests.integration.isolation.town import Town


@pytest.fixture
def superuser(postgres: Cluster, settings: Settings) -> Iterator[Engine]:
    """Whom row security does not hold: plants what is to be hidden, and looks at what became of it."""
    address = psycopg.conninfo.make_conninfo(postgres.server.address(), dbname=settings.database.name)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(address), pool_size=1)
    yield engine
    engine.dispose()


@pytest.fixture
def town(settings: Settings, databases: Databases, superuser: Engine, tmp_path: Path) -> Iterator[Town]:
    with Town(settings, databases, superuser, tmp_path / "models") as town:
        yield town
