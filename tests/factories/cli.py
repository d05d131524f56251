"""The command line under test: what a verb printed, and a collection to try it on."""

import json
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner

from appliance.entry.cli.main import app
from appliance.kit.errors import ApplianceError

FACTS = "# Pumps\n\nThe blue pump of hall 4 is serviced every 37 weeks by Ottoline Marsh.\n"

Run = Callable[..., tuple[int, str]]
"""Runs a verb: its exit code and what it printed; ``typed`` is its standard input."""


def run(*arguments: object, typed: str | None = None) -> tuple[int, str]:
    """Run a verb in this process; raises what it failed with."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)
    if isinstance(result.exception, ApplianceError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result.exit_code, result.stdout


def document(printed: str) -> Any:  # noqa: ANN401 - JSON of many shapes
    """The one JSON document that was printed, and nothing else was."""
    lines = printed.splitlines()
    assert len(lines) == 1, printed
    return json.loads(lines[0])
