"""The whole application behind a real HTTP server, with a town in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData

from appliance.access.web import Databases
from appliance.entry import web
from appliance.kit.settings import Settings
from tests.factories.serving import listening
from tests.integration.conformance.callers import Callers
from tests.integration.isolation.town import Town


@pytest.fixture
def callers(
    settings: Settings, databases: Databases, superuser: Engine, tables: MetaData, tmp_path: Path
) -> Iterator[Callers]:
    """Everybody who may ask, and the address."""
    town = Town(settings, databases, superuser, tables, tmp_path / "models")
    with listening(web.server(town.app, settings)) as port, Callers(town, f"http://127.0.0.1:{port}") as callers:
        yield callers
