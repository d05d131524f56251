"""What docs/mechanisms/security.md promises is there: every test that it names, and every row that it must have."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "mechanisms" / "security.md").read_text()
NEEDED = {*range(1, 17), *range(18, 37), 40, 42, 44}


def _named() -> dict[int, list[str]]:
    rows = re.findall(r"^\| (\d+) \|.*\| (`.*`) \|$", PAGE, re.MULTILINE)
    return {int(number): re.findall(r"`([^`]+)`", tests) for number, tests in rows}


def _tests(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_row_names_tests_that_there_are() -> None:
    named = _named()
    assert set(named) >= NEEDED
    for number, tests in named.items():
        for path, _, test in (each.partition("::") for each in tests):
            assert test in _tests(path), (number, path, test)
