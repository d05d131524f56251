"""The appliance as a whole: its state, its logs, its keys, and how a failure is told."""

import os
import subprocess
from pathlib import Path

import pytest

from appliance.kit.errors import ApplianceError
from tests.factories.appliance import CONTROL_PLANE, PROGRAM, Appliance
from tests.factories.cli import Run, document


def test_status_shows_every_part(cli: Run, appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    code, printed = cli("status")
    assert code == 0
    assert all(part in printed for part in ("postgres", "worker", "index", "encoder"))
    assert document(cli("status", "--json")[1])["pid"] == appliance.record().pid
    monkeypatch.setenv("APPLIANCE_URL", appliance.record().url)
    code, printed = cli("status", "--json")
    assert code == 0
    assert document(printed)["state"] == "up"


def test_the_doctor_finds_a_healthy_appliance_healthy(cli: Run, appliance: Appliance) -> None:
    code, printed = cli("doctor")
    assert code == 0, printed
    assert "✓ key: " in printed
    told = document(cli("doctor", "--json")[1])["findings"]
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
    assert set(document(cli("logs", "--json")[1])["logs"]) >= {"web", "worker", "postgres"}
    assert cli("logs", "-f", "-n", 0)[0] == 2


def test_a_lost_sign_in_is_made_anew_and_the_password_then_works(
    cli: Run, appliance: Appliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "Sign in once at " in cli("sign-in", "reset")[1]
    token = document(cli("sign-in", "reset", "--json")[1])["token"]
    password = "a password of this test\n"
    told = document(cli("login", "--token", token, "--password-stdin", "--json", typed=password)[1])
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
    token = document(cli("sign-in", "reset", "--json")[1])["token"]
    cli("login", appliance.record().url, "--token", token, "--password-stdin", typed="a password of this test\n")
    assert cli("login", "--login", "operator", typed="a password of this test\n")[0] == 0


def test_an_appliance_that_runs_can_be_stopped(cold: Appliance) -> None:
    assert cold.run("stop").returncode == 1
    cold.start()
    cold.wait_ready(*CONTROL_PLANE)
    told = cold.run("stop", "--json")
    assert told.returncode == 0
    assert document(told.stdout)["state"] == "stopped"
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
    assert document(told.stdout) == {"data": str(tmp_path / "data"), "exit": 1}
    assert "certificate" in told.stderr
    assert not (tmp_path / "data").exists()


def test_a_failure_is_a_document_for_a_program(tmp_path: Path) -> None:
    told = _program("collections", "list", "--json", APPLIANCE_DATA=str(tmp_path), HOME=str(tmp_path))
    assert told.returncode == 1
    assert document(told.stdout)["error"]["code"] == "no_appliance_known"


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
