"""Verbs of the command line, run in this process on the session's appliance."""

from pathlib import Path

import pytest

from appliance.kit.ids import uuid7
from tests.factories.appliance import Appliance
from tests.factories.cli import FACTS, Run, run


@pytest.fixture
def cli(appliance: Appliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a verb in this process; its exit code and what it printed, or the failure that it raised."""
    monkeypatch.setenv("APPLIANCE_DATA", str(appliance.data))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return run


@pytest.fixture
def name() -> str:
    """A collection of this test's own."""
    return f"c-{uuid7().hex}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents, one of them deeper, and one that cannot be taken."""
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "pumps.md").write_text(FACTS)
    (tmp_path / "docs" / "deep" / "valves.txt").write_text("Valve 9 opens at 4.5 bar.\n")
    (tmp_path / "docs" / "empty.md").write_text("")
    return tmp_path / "docs"


@pytest.fixture
def taken(cli: Run, folder: Path, name: str) -> str:
    """A collection that holds the folder's good documents."""
    cli("ingest", folder / "pumps.md", folder / "deep", "--collection", name)
    return name
