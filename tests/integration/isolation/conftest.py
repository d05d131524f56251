"""The whole web application in this process, two tenants with a row in every table, and a key for each role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData

from appliance.access.web import Databases
from appliance.kit.settings import Settings
from tests.integration.isolation.town import Town


@pytest.fixture
def town(
    settings: Settings, databases: Databases, superuser: Engine, tables: MetaData, tmp_path: Path
) -> Iterator[Town]:
    with Town(settings, databases, superuser, tables, tmp_path / "models") as town:
        yield town
