"""The committed reference says what the code says."""

from pathlib import Path

import pytest

from appliance.entry import reference
from appliance.entry.web import UNAUTHENTICATED, describe

FILES = reference.files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_committed_reference_is_fresh(path: Path) -> None:
    assert path.read_text() == FILES[path], "run: python -m appliance.entry.reference"


def test_every_setting_says_what_it_is_for() -> None:
    bare = [line for line in reference.settings().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert bare == []


def test_every_operation_is_described() -> None:
    paths = describe().openapi()["paths"]
    bare = [(path, verb) for path, verbs in paths.items() for verb, op in verbs.items() if not op.get("description")]
    assert bare == []


def test_open_routes_are_real_routes() -> None:
    routes = {getattr(route, "path", "") for route in describe().routes}
    assert routes >= UNAUTHENTICATED
