"""The vendor's tool: what it signs is what the appliance reads."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from appliance.entry.cli import licence
from appliance.kit.errors import ApplianceError, BadRequest
from appliance.licensing.errors import Malformed, Tampered, WrongKey
from tests.factories.licences import Vendor, terms

VENDOR = Vendor()


def run(*words: object) -> str:
    """What the verb printed; its error is raised."""
    found = CliRunner().invoke(licence.app, [str(word) for word in words], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def issue(directory: Path, *, name: str = "licence", **changed: str | float) -> Path:
    """A file made by the tool."""
    wanted, out = directory / "terms.json", directory / name
    wanted.write_text(json.dumps({**terms(), **changed}))
    run("issue", wanted, "--key", VENDOR.private(directory), "--out", out, "--json")
    return out


def test_what_is_issued_can_be_inspected(tmp_path: Path) -> None:
    file = issue(tmp_path)
    told = json.loads(run("inspect", file, "--root", VENDOR.pin(tmp_path), "--json"))
    assert (told["customer"], told["limits"]["seats"]) == ("Beispiel AG 示例", 50)
    assert "Beispiel AG" in run("inspect", file, "--root", VENDOR.pin(tmp_path))


def test_inspecting_names_what_is_wrong(tmp_path: Path) -> None:
    file = issue(tmp_path)
    with pytest.raises(WrongKey):
        run("inspect", file)  # the pinned root is another vendor's
    file.write_bytes(file.read_bytes().replace(b"Beispiel", b"Beispeil"))
    with pytest.raises(Tampered):
        run("inspect", file, "--root", VENDOR.pin(tmp_path))


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"grace_days": 999}, Malformed), ({"also": 1}, Malformed), ({"grace_days": 1.5}, BadRequest)],
)
def test_nothing_is_signed_that_would_be_refused(
    tmp_path: Path, changed: dict[str, float], error: type[ApplianceError]
) -> None:
    with pytest.raises(error):
        issue(tmp_path, name="bad", **changed)
    assert not (tmp_path / "bad").exists()


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    issue(tmp_path)
    with pytest.raises(BadRequest, match="cannot be written"):
        issue(tmp_path)
