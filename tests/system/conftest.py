"""The whole appliance: one warm for the session, with the real engine; others without an engine, to be mistreated."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories.appliance import CONTROL_PLANE, Appliance

TIMEOUT = 900
ENGINE_SECONDS = 540
"""The first start of an engine on a machine compiles for minutes."""


def pytest_configure(config: pytest.Config) -> None:
    """Markers of these tests."""
    config.addinivalue_line("markers", "last: ends the session's appliance, so it must come after all others")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A session's first test waits for the engine; tests that end the warm appliance come last."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.timeout(TIMEOUT))
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """One appliance for the session, everything of it ready, the real engine too."""
    made = Appliance(tmp_path_factory.mktemp("warm") / "data")
    made.start()
    try:
        made.wait_ready(seconds=ENGINE_SECONDS)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """An appliance without an engine, to be mistreated; whether it runs is as the test before left it."""
    settings = {
        "APPLIANCE_ENGINE__ENABLED": "false",
        "APPLIANCE_JOBS__LEASE_SECONDS": "8",  # a third of the usual waits: there are many faults to try
        "APPLIANCE_JOBS__SWEEP_SECONDS": "3",
    }
    made = Appliance(tmp_path_factory.mktemp("cold") / "data", settings)
    yield made
    made.stop()


@pytest.fixture
def running(cold: Appliance) -> Appliance:
    """The same, its control plane ready."""
    if not cold.runs():
        cold.start()
    cold.wait_ready(*CONTROL_PLANE)
    return cold
