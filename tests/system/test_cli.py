"""Every verb of the command line on a whole appliance, for a person and for a program."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from appliance.entry.cli import collections, ingest, jobs
from appliance.entry.cli.client import connect
from appliance.entry.cli.files import expand
from appliance.entry.cli.jobs import JobFailed
from appliance.entry.cli.main import app
from appliance.kit.errors import ApplianceError
from appliance.kit.ids import uuid7
from tests.factories.appliance import CONTROL_PLANE, PROGRAM, Appliance

FACTS = "# Pumps\n\nThe blue pump of hall 4 is serviced every 37 weeks by Ottoline Marsh.\n"
QUESTION = "How often is the blue pump of hall 4 serviced?"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def cli(appliance: Appliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a verb in this process; its exit code and what it printed, or the failure that it raised."""
    monkeypatch.setenv("APPLIANCE_DATA", str(appliance.data))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*arguments: object, typed: str | None = None) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)
        if isinstance(result.exception, ApplianceError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result.exit_code, result.stdout

    return run


@pytest.fixture
def name() -> str:
    """A collection of this test's own."""
    return f"c-{uuid7().hex}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents, one of them deeper, and one that cannot be taken."""
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "pumps.md").write_text(FACTS)
    (tmp_path / "docs" / "deep" / "valves.txt").write_text("Valve 9 opens at 4.5 bar.\n")
    (tmp_path / "docs" / "empty.md").write_text("")
    return tmp_path / "docs"


@pytest.fixture
def taken(cli: Run, folder: Path, name: str) -> str:
    """A collection that holds the folder's good documents."""
    cli("ingest", folder / "pumps.md", folder / "deep", "--collection", name)
    return name


def _document(printed: str) -> Any:  # noqa: ANN401 - JSON of many shapes
    lines = printed.splitlines()
    assert len(lines) == 1, printed
    return json.loads(lines[0])


def test_a_folder_is_taken_in_with_a_result_for_each_file(cli: Run, folder: Path, name: str) -> None:
    code, printed = cli("ingest", folder, "--collection", name)
    assert code == 1
    assert "✓ pumps.md: 1 chunks" in printed
    assert "✓ deep/valves.txt: 1 chunks" in printed
    assert "✗ empty.md: " in printed
    assert f"{name}: 1 failed, 2 ready." in printed


def test_the_same_files_again_change_nothing(cli: Run, folder: Path, name: str) -> None:
    cli("ingest", folder, "--collection", name)
    code, printed = cli("ingest", folder / "pumps.md", "--collection", name, "--json")
    told = _document(printed)
    assert code == 0
    assert told["counts"] == {"unchanged": 1}
    assert told["collection"]["name"] == name


def test_results_without_waiting_are_those_of_the_sending(cli: Run, folder: Path, name: str) -> None:
    code, printed = cli("ingest", folder / "pumps.md", "--collection", name, "--no-wait", "--json")
    assert code == 0
    assert _document(printed)["counts"] == {"queued": 1}


def test_a_file_that_cannot_be_read_fails_alone(cli: Run, folder: Path, name: str) -> None:
    code, printed = cli("ingest", "/proc/self/mem", folder / "pumps.md", "--collection", name, "--json")
    assert code == 1
    files = {file["name"]: file for file in _document(printed)["files"]}
    assert files["mem"]["reason_code"] == "unreadable"
    assert files["pumps.md"]["state"] == "ready"


def test_an_answer_names_its_sources(cli: Run, taken: str) -> None:
    code, printed = cli("ask", QUESTION, "--collection", taken)
    assert code == 0
    assert "37 weeks" in printed
    assert "[1] pumps.md, line " in printed


def test_a_quoted_answer_is_in_the_words_of_the_documents(cli: Run, taken: str) -> None:
    told = _document(cli("ask", QUESTION, "--collection", taken, "--quoted", "--json")[1])
    assert told["mode"] == "quoted"
    assert "37 weeks" in told["citations"][0]["quote"]


def test_a_question_that_nothing_answers_is_told(cli: Run, taken: str) -> None:
    printed = cli("ask", "Which bank manages the pension fund?", "--collection", taken)[1]
    assert printed.startswith("The documents do not tell")


def test_search_shows_passages_and_where_they_stand(cli: Run, taken: str) -> None:
    printed = cli("search", "blue pump serviced", "--collection", taken, "--limit", 3)[1]
    assert printed.startswith("1. pumps.md, line ")
    told = _document(cli("search", "blue pump serviced", "--collection", taken, "--json")[1])
    assert told["hits"][0]["document"] == "pumps.md"


def test_a_search_that_finds_nothing_says_so(cli: Run, name: str) -> None:
    cli("collections", "create", name)
    assert "Nothing was found." in cli("search", "anything", "--collection", name)[1]


def test_collections_are_created_listed_and_forgotten(cli: Run, name: str) -> None:
    assert f"Created '{name}'" in cli("collections", "create", name)[1]
    assert name in cli("collections", "list")[1]
    assert name in {item["name"] for item in _document(cli("collections", "list", "--json")[1])["items"]}
    assert cli("collections", "delete", name, typed="n\n")[0] == 1
    assert cli("collections", "delete", name, "--yes")[0] == 0
    with pytest.raises(ApplianceError, match=name):
        cli("collections", "delete", name, "--yes")
    other = _document(cli("collections", "create", f"{name}-2", "--json")[1])
    assert _document(cli("collections", "delete", other["id"], "--yes", "--json")[1])["deleted"] == other["id"]


def test_a_document_is_listed_shown_and_forgotten(cli: Run, taken: str) -> None:
    assert "pumps.md" in cli("documents", "list", "--collection", taken)[1]
    (item,) = _document(cli("documents", "list", "-c", taken, "--state", "ready", "--json")[1])["items"][:1]
    assert "pumps.md" in cli("documents", "show", "pumps.md", "-c", taken)[1]
    assert cli("documents", "show", "pumps.md", "-c", taken, "--text")[1].strip() == FACTS.strip()
    assert _document(cli("documents", "show", item["id"], "--json")[1])["id"] == item["id"]
    assert "is forgotten" in cli("documents", "delete", "pumps.md", "-c", taken)[1]
    with pytest.raises(ApplianceError, match=r"pumps\.md"):
        cli("documents", "show", "pumps.md", "-c", taken)
    (left,) = _document(cli("documents", "list", "-c", taken, "--json")[1])["items"]
    assert _document(cli("documents", "delete", left["id"], "--json")[1])["deleted"] == left["id"]
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
    assert _document(cli("documents", "retry", "torn.pdf", "-c", name, "--json")[1])["state"] == "failed"


def test_jobs_are_listed_shown_followed_and_cancelled(cli: Run, taken: str) -> None:
    assert "knowledge.ingest" in cli("jobs", "list", "--limit", 3)[1]
    job = _document(cli("jobs", "list", "--state", "succeeded", "--json")[1])["items"][0]
    assert job["id"] in cli("jobs", "show", job["id"])[1]
    assert _document(cli("jobs", "show", job["id"], "--json")[1])["state"] == "succeeded"
    code, printed = cli("jobs", "watch", job["id"])
    assert code == 0
    assert "progress" in printed
    assert _document(cli("jobs", "watch", job["id"], "--json")[1])["id"] == job["id"]
    assert "It is succeeded." in cli("jobs", "cancel", job["id"])[1]
    assert _document(cli("jobs", "cancel", job["id"], "--json")[1])["state"] == "succeeded"


def test_a_job_that_failed_ends_the_watching_with_exit_code_1(cli: Run, folder: Path, name: str) -> None:
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7\nnot a page")
    cli("ingest", folder / "torn.pdf", "--collection", name)
    job = _document(cli("jobs", "list", "--state", "failed", "--limit", 1, "--json")[1])["items"][0]
    assert cli("jobs", "watch", job["id"])[0] == 1


def test_models_and_deployments_are_listed_and_verified(cli: Run) -> None:
    assert "all-minilm-l6-v2" in cli("models", "list")[1]
    items = _document(cli("models", "list", "--json")[1])["items"]
    assert {item["state"] for item in items} == {"verified"}
    assert "verified" in cli("models", "verify", "all-minilm-l6-v2")[1]
    assert len(_document(cli("models", "verify", "--json")[1])["items"]) == len(items)
    assert _document(cli("models", "pull", "all-minilm-l6-v2", "--json")[1])["items"][0]["state"] == "verified"
    with pytest.raises(ApplianceError, match="gpt-9"):
        cli("models", "verify", "gpt-9")
    assert "smollm2-135m-instruct" in cli("deployments", "list")[1]
    assert _document(cli("deployments", "list", "--json")[1])["items"][0]["desired"] == "running"


def test_status_shows_every_part(cli: Run, appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    code, printed = cli("status")
    assert code == 0
    assert all(part in printed for part in ("postgres", "worker", "index", "encoder"))
    assert _document(cli("status", "--json")[1])["pid"] == appliance.record().pid
    monkeypatch.setenv("APPLIANCE_URL", appliance.record().url)
    code, printed = cli("status", "--json")
    assert code == 0
    assert _document(printed)["state"] == "up"


def test_the_doctor_finds_a_healthy_appliance_healthy(cli: Run, appliance: Appliance) -> None:
    code, printed = cli("doctor")
    assert code == 0, printed
    assert "✓ key: " in printed
    told = _document(cli("doctor", "--json")[1])["findings"]
    assert {finding["state"] for finding in told} <= {"ok", "warning"}


def test_the_doctor_says_when_there_is_no_appliance(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("APPLIANCE_KEY", "sk-x")
    code, printed = cli("doctor")
    assert code == 1
    assert "✗ appliance: Nothing answers at http://127.0.0.1:1" in printed


def test_logs_of_one_and_of_all_processes_are_shown(cli: Run) -> None:
    assert "request" in cli("logs", "web", "-n", 5)[1]
    assert "postgres " in cli("logs", "-n", 1)[1]
    assert set(_document(cli("logs", "--json")[1])["logs"]) >= {"web", "worker", "postgres"}
    assert cli("logs", "-f", "-n", 0)[0] == 2


def test_a_lost_sign_in_is_made_anew_and_the_password_then_works(
    cli: Run, appliance: Appliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "Sign in once at " in cli("sign-in", "reset")[1]
    token = _document(cli("sign-in", "reset", "--json")[1])["token"]
    password = "a password of this test\n"
    told = _document(cli("login", "--token", token, "--password-stdin", "--json", typed=password)[1])
    assert told["login"] == "operator"
    assert "Signed in at " in cli("login", "--login", "operator", "--password-stdin", typed=password)[1]
    assert (tmp_path / "config/appliance/logins.json").stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("APPLIANCE_DATA")
    assert cli("jobs", "list")[0] == 0
    with pytest.raises(ApplianceError, match="not valid"):
        cli("login", "--login", "operator", "--password-stdin", typed="wrong\n")
    with pytest.raises(ApplianceError, match="not valid"):
        cli("login", "--token", token)


def test_a_password_is_asked_for_where_none_was_given(cli: Run, appliance: Appliance) -> None:
    token = _document(cli("sign-in", "reset", "--json")[1])["token"]
    cli("login", appliance.record().url, "--token", token, "--password-stdin", typed="a password of this test\n")
    assert cli("login", "--login", "operator", typed="a password of this test\n")[0] == 0


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


def test_waiting_for_a_job_that_fails_is_a_failure(cli: Run, folder: Path, name: str) -> None:
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7\nnot a page")
    cli("ingest", folder / "torn.pdf", "--collection", name)
    with connect() as api:
        failed = api.get("/api/v1/jobs", state="failed", limit=1)["items"][0]["id"]
        with pytest.raises(JobFailed, match=failed):
            jobs.ended(api, failed)


def test_an_appliance_that_runs_can_be_stopped(cold: Appliance) -> None:
    assert cold.run("stop").returncode == 1
    cold.start()
    cold.wait_ready(*CONTROL_PLANE)
    told = cold.run("stop", "--json")
    assert told.returncode == 0
    assert _document(told.stdout)["state"] == "stopped"
    assert cold.up is not None
    assert cold.up.wait(30) == 0


def _program(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_failure_is_one_sentence_on_standard_error_and_exit_code_1(tmp_path: Path) -> None:
    told = _program("status", APPLIANCE_DATA=str(tmp_path))
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr == f"No appliance runs on {tmp_path}. Start it with 'appliance up'.\n"


def test_a_start_that_is_refused_is_told_in_both_forms(tmp_path: Path) -> None:
    told = _program("up", "--data", str(tmp_path / "data"), "--host", "0.0.0.0", "--json")
    assert told.returncode == 1
    assert _document(told.stdout) == {"data": str(tmp_path / "data"), "exit": 1}
    assert "certificate" in told.stderr
    assert not (tmp_path / "data").exists()


def test_a_failure_is_a_document_for_a_program(tmp_path: Path) -> None:
    told = _program("collections", "list", "--json", APPLIANCE_DATA=str(tmp_path), HOME=str(tmp_path))
    assert told.returncode == 1
    assert _document(told.stdout)["error"]["code"] == "no_appliance_known"


def test_a_wrong_command_line_is_exit_code_2_and_the_version_is_told() -> None:
    assert _program("ingest").returncode == 2
    assert _program("--version").stdout.startswith("appliance ")


def test_what_answers_but_is_no_appliance_is_told(
    cli: Run, appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_URL", appliance.record().url + "/elsewhere")
    monkeypatch.setenv("APPLIANCE_KEY", "sk-x")
    with pytest.raises(ApplianceError, match="Not Found"):
        cli("jobs", "list")
