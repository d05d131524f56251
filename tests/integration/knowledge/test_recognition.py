"""Text recognition for real: in a process of its own, behind the same walls, started by the first scan."""

from pathlib import Path

import pytest

from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.parsing.limits import ParseLimits
from tests.factories import scans

LINES = [
    ("Everyone has 25 days of annual leave.", 11, 50, 760),
    ("Grade", 11, 50, 720),
    ("Days", 11, 200, 720),
    ("A", 11, 50, 704),
    ("25", 11, 200, 704),
]


def test_a_scan_that_lies_on_its_side_is_read_and_what_needs_no_eyes_waits_for_none(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    with ParserHost(ParseLimits(seconds=30), tmp_path / "parser.log") as host:
        path.write_bytes(b"after")
        assert host.parse(path, "a.txt").text == "after"
        assert host._eyes is not None
        assert host._eyes._child is None
        page = scans.picture(LINES)
        path.write_bytes(scans.saved(page.rotate(90, expand=True), "PNG"))
        document = host.parse(path, "a.png")
        assert document.text.split("\n\n") == ["Everyone has 25 days of annual leave.", "Grade | Days\nA | 25"]
        path.write_bytes(scans.saved(page, "PNG")[:-5000])
        with pytest.raises(errors.Truncated):
            host.parse(path, "a.png")
