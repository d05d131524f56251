"""The whole appliance: one warm for the session, with the real engine; others without an engine, to be mistreated."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.kit import clock
from tests.factories.appliance import CONTROL_PLANE, MODELS, Appliance
from tests.factories.licences import Vendor, terms

TIMEOUT = 900
ENGINE_SECONDS = 540
"""On two busy cores a start takes minutes."""


def pytest_configure(config: pytest.Config) -> None:
    """Markers of these tests."""
    config.addinivalue_line("markers", "last: ends the session's appliance, so it must come after all others")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A session's first test waits for the engine; tests that end the warm appliance come last."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.timeout(TIMEOUT))
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


VENDOR = Vendor()


def trusting(directory: Path) -> dict[str, str]:
    """The setting by which an appliance believes the tests' own vendor."""
    return {"APPLIANCE_LICENSING__ROOT": str(VENDOR.pin(directory))}


def licence(*models: dict[str, object]) -> bytes:
    """A licence of today with room for what the tests make; it names these models, as the API lists them."""
    limits = {"tenants": 100, "seats": 1000, "gpus": 2, "adapters": 8}
    told: dict[str, Any] = {**terms(int(clock.now().timestamp())), "limits": limits}
    if models:
        told["models"] = [{"kind": "version", "name": one["name"], "digests": [one["digest"]]} for one in models]
    return VENDOR.licence(**told)


def entitle(made: Appliance, *, again: bool = False) -> None:
    """Install a licence where there is none: without one an appliance takes two tenants.

    ``again``: also where there is one, for the models that came since.
    """
    with made.api() as api:
        if again or api.get("/api/v1/licence").json()["licence"] is None:
            models = api.get("/api/v1/models").json()["items"]
            assert api.post("/api/v1/licence", json={"file": licence(*models).decode()}).status_code == 201


@pytest.fixture(scope="session")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """One appliance for the session, everything of it ready, the real engine too.

    What its tests import stays out of the model store; what engines keep lies beside the real one.
    """
    directory = tmp_path_factory.mktemp("warm")
    shutil.copytree(MODELS, directory / "models")
    cache = MODELS.parent / "vllm"
    cache.mkdir(exist_ok=True)
    (directory / "vllm").symlink_to(cache.resolve())
    settings = {
        **trusting(directory),
        "APPLIANCE_MODELS": str(directory / "models"),
        "APPLIANCE_ENGINE__EAGER": "true",  # the demo compiles, for minutes where nothing is kept yet
        "APPLIANCE_WEB__BODY_SECONDS": "8",  # whoever tries to be too slow need not try for long
    }
    made = Appliance(directory / "data", settings)
    made.start()
    try:
        made.wait_ready(seconds=ENGINE_SECONDS)
        entitle(made)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """An appliance without an engine, to be mistreated; whether it runs is as the test before left it."""
    directory = tmp_path_factory.mktemp("cold")
    settings = {
        **trusting(directory),
        "APPLIANCE_ENGINE__ENABLED": "false",
        "APPLIANCE_JOBS__LEASE_SECONDS": "8",  # a third of the usual waits: there are many faults to try
        "APPLIANCE_JOBS__SWEEP_SECONDS": "3",
    }
    made = Appliance(directory / "data", settings)
    yield made
    made.stop()


@pytest.fixture
def running(cold: Appliance) -> Appliance:
    """The same, its control plane ready."""
    if not cold.runs():
        cold.start()
    cold.wait_ready(*CONTROL_PLANE)
    entitle(cold)
    return cold
