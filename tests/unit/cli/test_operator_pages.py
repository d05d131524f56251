"""The verbs and options that an operator's page shows are ones that there are."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from appliance.entry.cli.main import app

PAGE = Path(__file__).parents[3] / "docs" / "operator" / "importing.md"
SHOWN = re.findall(r"^\$ appliance (.+)$", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("shown", SHOWN)
def test_what_the_page_on_models_shows_can_be_typed(shown: str) -> None:
    words = shlex.split(shown)
    options = [word for word in words if word.startswith("--")]
    verbs = words[: 3 if words[1] == "entries" else 2]
    told = CliRunner().invoke(app, [*verbs, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    assert [option for option in options if option not in told.output] == []
