"""The import contracts: a slice's private modules stay private, and every slice stands in the order."""

import tomllib

import grimp
import pytest

from tests.rules.check import ROOT
from tests.rules.contracts import PrivateContract


def _contract() -> PrivateContract:
    options = {"names": ["tables", "repository"], "allowed": ["appliance.entry.schema"]}
    return PrivateContract(name="private", session_options={}, contract_options=options)


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("appliance.chat.service", "appliance.chat.repository", True),
        ("appliance.chat.service", "appliance.jobs.service", True),
        ("appliance.entry.schema", "appliance.jobs.tables", True),
        ("appliance.chat.service", "appliance.jobs.tables", False),
        ("appliance.chat.service", "appliance.jobs.repository.rows", False),
    ],
)
def test_tables_and_repository_are_imported_within_their_slice_alone(
    importer: str, imported: str, *, kept: bool
) -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="import")
    check = _contract().check(graph, verbose=False)
    assert check.kept is kept
    assert bool(check.metadata["breaches"]) is not kept


def test_every_slice_stands_in_the_order_and_only_slices_do() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (order,) = [c for c in config["tool"]["importlinter"]["contracts"] if c["id"] == "order"]
    listed = {name.strip() for layer in order["layers"] for name in layer.split("|")}
    assert order["exhaustive"] is True
    assert listed == {path.parent.name for path in (ROOT / "appliance").glob("*/__init__.py")}
