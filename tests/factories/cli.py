"""The command line under test: what a verb printed, and a collection to try it on."""

import json
from collections.abc import Callable
from typing import Any

FACTS = "# Pumps\n\nThe blue pump of hall 4 is serviced every 37 weeks by Ottoline Marsh.\n"

Run = Callable[..., tuple[int, str]]
"""Runs a verb: its exit code and what it printed; ``typed`` is its standard input."""


def document(printed: str) -> Any:  # noqa: ANN401 - JSON of many shapes
    """The one JSON document that was printed, and nothing else was."""
    lines = printed.splitlines()
    assert len(lines) == 1, printed
    return json.loads(lines[0])
