"""A parser process for the session, and an office of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.access.web import Databases
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from tests.integration.knowledge.office import Office


@pytest.fixture(scope="session")
def parser() -> Iterator[ParserHost]:
    """The real one, warm."""
    with ParserHost(ParseLimits(seconds=30, file_bytes=10_000_000)) as host:
        yield host


@pytest.fixture
def office(databases: Databases, tmp_path: Path, parser: ParserHost) -> Office:
    """One tenant's knowledge, empty."""
    return Office(databases, tmp_path / "blobs", parser)
