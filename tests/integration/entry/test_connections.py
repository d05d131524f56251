"""The sum of all pools is held against what the server allows, before anything starts."""

import pytest

from appliance.access.web import Databases
from appliance.drivers.postgres import CONNECTIONS
from appliance.entry import connections
from appliance.kit.settings import DatabaseSettings, JobSettings, Settings


def test_the_defaults_fit_the_embedded_server() -> None:
    assert sum(connections.wanted(Settings()).values()) <= connections.SHARE * CONNECTIONS


def test_too_large_pools_are_refused_with_the_sum(databases: Databases, settings: Settings) -> None:
    connections.check(settings, databases.operator)
    greedy = settings.model_copy(
        update={"database": DatabaseSettings(pool_size=50), "jobs": JobSettings(concurrency=4)}
    )
    with pytest.raises(connections.TooManyConnections, match=r"343 connections \(web 152, worker 38, index 102"):
        connections.check(greedy, databases.operator)
