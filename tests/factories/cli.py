"""The command line under test: what a verb printed, and a collection to try it on."""

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import typer.main
from typer.testing import CliRunner

from appliance.entry.cli.main import app

FACTS = "# Pumps\n\nThe blue pump of hall 4 is serviced every 37 weeks by Ottoline Marsh.\n"

Run = Callable[..., tuple[int, str]]
"""Runs a verb: its exit code and what it printed; ``typed`` is its standard input."""


@functools.cache
def _verbs() -> Callable[..., object]:
    """All verbs, put together once: that takes longer than most of them do."""
    return typer.main.get_command(app).main


def run(*arguments: object, typed: str | None = None) -> tuple[int, str]:
    """Run a verb in this process; raises what it failed with."""
    code: str | int | None = None
    with CliRunner().isolation(input=typed) as (printed, _, _):
        try:
            _verbs()(args=[str(argument) for argument in arguments], prog_name="appliance")
        except SystemExit as ended:
            code = ended.code
        sys.stdout.flush()
        told = printed.getvalue().decode().replace("\r\n", "\n")  # of CSV
    assert code is None or isinstance(code, int), code
    return code or 0, told


def document(printed: str) -> Any:  # noqa: ANN401 - JSON of many shapes
    """The one JSON document that was printed, and nothing else was."""
    lines = printed.splitlines()
    assert len(lines) == 1, printed
    return json.loads(lines[0])
