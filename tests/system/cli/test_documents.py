"""Files in, documents out: every verb that changes what can be found."""

from pathlib import Path

import pytest

from appliance.entry.cli import collections, ingest
from appliance.entry.cli.client import connect
from appliance.entry.cli.files import expand
from appliance.kit.errors import ApplianceError
from appliance.kit.ids import uuid7
from tests.factories.cli import FACTS, Run, document


def test_a_folder_is_taken_in_with_a_result_for_each_file(cli: Run, folder: Path, name: str) -> None:
    code, printed = cli("ingest", folder, "--collection", name)
    assert code == 1
    assert "✓ pumps.md: 1 chunk\n" in printed
    assert "✓ deep/valves.txt: 1 chunk\n" in printed
    assert "✗ empty.md: " in printed
    assert f"{name}: 1 failed, 2 ready." in printed


def test_the_same_files_again_change_nothing(cli: Run, folder: Path, name: str) -> None:
    cli("ingest", folder, "--collection", name)
    code, printed = cli("ingest", folder / "pumps.md", "--collection", name, "--json")
    told = document(printed)
    assert code == 0
    assert told["counts"] == {"unchanged": 1}
    assert told["collection"]["name"] == name


def test_results_without_waiting_are_those_of_the_sending(cli: Run, folder: Path, name: str) -> None:
    code, printed = cli("ingest", folder / "pumps.md", "--collection", name, "--no-wait", "--json")
    assert code == 0
    assert document(printed)["counts"] == {"queued": 1}


def test_a_file_that_cannot_be_read_fails_alone(cli: Run, folder: Path, name: str) -> None:
    code, printed = cli("ingest", "/proc/self/mem", folder / "pumps.md", "--collection", name, "--json")
    assert code == 1
    files = {file["name"]: file for file in document(printed)["files"]}
    assert files["mem"]["reason_code"] == "unreadable"
    assert files["pumps.md"]["state"] == "ready"


def test_collections_are_created_listed_and_forgotten(cli: Run, name: str) -> None:
    assert f"Created '{name}'" in cli("collections", "create", name)[1]
    assert name in cli("collections", "list")[1]
    assert name in {item["name"] for item in document(cli("collections", "list", "--json")[1])["items"]}
    assert cli("collections", "delete", name, typed="n\n")[0] == 1
    assert cli("collections", "delete", name, "--yes")[0] == 0
    with pytest.raises(ApplianceError, match=name):
        cli("collections", "delete", name, "--yes")
    other = document(cli("collections", "create", f"{name}-2", "--json")[1])
    assert document(cli("collections", "delete", other["id"], "--yes", "--json")[1])["deleted"] == other["id"]


def test_a_document_is_listed_shown_and_forgotten(cli: Run, taken: str) -> None:
    assert "pumps.md" in cli("documents", "list", "--collection", taken)[1]
    (item,) = document(cli("documents", "list", "-c", taken, "--state", "ready", "--json")[1])["items"][:1]
    assert "pumps.md" in cli("documents", "show", "pumps.md", "-c", taken)[1]
    assert cli("documents", "show", "pumps.md", "-c", taken, "--text")[1].strip() == FACTS.strip()
    assert document(cli("documents", "show", item["id"], "--json")[1])["id"] == item["id"]
    assert "is forgotten" in cli("documents", "delete", "pumps.md", "-c", taken)[1]
    with pytest.raises(ApplianceError, match=r"pumps\.md"):
        cli("documents", "show", "pumps.md", "-c", taken)
    (left,) = document(cli("documents", "list", "-c", taken, "--json")[1])["items"]
    assert document(cli("documents", "delete", left["id"], "--json")[1])["deleted"] == left["id"]
    assert "There are no such documents." in cli("documents", "list", "-c", taken)[1]


def test_a_name_that_two_collections_have_needs_one_of_them(cli: Run, taken: str, folder: Path) -> None:
    cli("ingest", folder / "pumps.md", "--collection", f"{taken}-2")
    with pytest.raises(ApplianceError, match=r"documents are named 'pumps\.md'"):
        cli("documents", "show", "pumps.md")


def test_a_failed_document_can_be_tried_again(cli: Run, folder: Path, name: str) -> None:
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7\nnot a page")
    assert cli("ingest", folder / "torn.pdf", "--collection", name)[0] == 1
    code, printed = cli("documents", "retry", "torn.pdf", "-c", name)
    assert code == 1
    assert "'torn.pdf' is failed." in printed
    assert document(cli("documents", "retry", "torn.pdf", "-c", name, "--json")[1])["state"] == "failed"


def test_few_files_are_under_way_at_once_and_each_is_told(cli: Run, taken: str, folder: Path) -> None:
    (folder / "third.md").write_text("The third file.\n")
    with connect() as api:
        into = collections.ensure(api, taken)["id"]
        outcomes = ingest.taken(api, into, expand([folder]), wait=True, ahead=1)
        assert {outcome["name"]: outcome["state"] for outcome in outcomes} == {
            "empty.md": "failed",
            "pumps.md": "unchanged",
            "third.md": "ready",
            "deep/valves.txt": "ready",
        }


def test_a_document_that_is_forgotten_while_it_is_waited_for_is_told(cli: Run) -> None:
    with connect() as api:
        outcome = ingest._settled(api, {"name": "gone.md", "state": "queued", "document_id": str(uuid7())})
    assert (outcome["state"], outcome["reason_code"]) == ("failed", "document_not_found")
