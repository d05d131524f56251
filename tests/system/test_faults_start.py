"""What keeps ``up`` from starting is told in a sentence, with an exit code, and changes nothing."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.factories.appliance import CONTROL_PLANE, Appliance, gone

NO_ENGINE = {"APPLIANCE_ENGINE__ENABLED": "false"}


def listing(data: Path) -> dict[str, float]:
    """Every file below a directory with its time."""
    return {str(path): path.stat().st_mtime for path in data.rglob("*")}


def refused(made: Appliance, told: str, *arguments: str) -> None:
    before = listing(made.data)
    done = made.run("up", "--data", str(made.data), "--port", str(made.port), *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert listing(made.data) == before


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        made = Appliance(tmp_path / "data", NO_ENGINE, taken.getsockname()[1])
        refused(made, f"Port {made.port} of 127.0.0.1 cannot be used")
    assert not made.data.exists()


def test_a_data_directory_of_a_newer_version(tmp_path: Path) -> None:
    made = Appliance(tmp_path / "data", NO_ENGINE)
    made.data.mkdir()
    (made.data / "VERSION").write_text("99.1.0\n")
    refused(made, "belongs to version 99.1.0")


@pytest.mark.parametrize("what", ["memory", "disk"])
def test_too_little_memory_or_disk(tmp_path: Path, what: str) -> None:
    made = Appliance(tmp_path / "data", {**NO_ENGINE, f"APPLIANCE_HOST__LEAST_{what.upper()}": str(2**60)})
    refused(made, f"too little {what}")
    assert not made.data.exists()


def test_another_address_without_a_certificate(tmp_path: Path) -> None:
    refused(Appliance(tmp_path / "data", NO_ENGINE), "give a certificate and its key", "--host", "0.0.0.0")


def test_a_setting_that_is_not_acceptable(tmp_path: Path) -> None:
    made = Appliance(tmp_path / "data", {**NO_ENGINE, "APPLIANCE_JOBS__ATTEMPTS": "many"})
    refused(made, "The setting 'jobs.attempts' is not acceptable")


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refused(Appliance(tmp_path / "file" / "data", NO_ENGINE), "Not a directory")


def test_a_second_appliance_on_the_same_data_leaves_the_first_alone(running: Appliance) -> None:
    second = running.run("up", "--port", str(running.port + 1))
    assert second.returncode == 1
    assert "already runs on" in second.stdout + second.stderr
    with running.api() as api:
        assert api.get("/readyz").status_code == 200


def test_a_part_that_cannot_live_ends_all_and_is_named_with_its_last_words(tmp_path: Path, cold: Appliance) -> None:
    if not cold.layout.postgres.exists():
        cold.start()
        cold.wait_ready(*CONTROL_PLANE)
    cold.stop()
    broken = Appliance(tmp_path / "data", NO_ENGINE)
    shutil.copytree(cold.data, broken.data, ignore=shutil.ignore_patterns("*.sock"))
    for path in (cold.layout.postgres, *cold.layout.postgres.rglob("*")):
        found = path.stat()
        os.chown(broken.layout.postgres / path.relative_to(cold.layout.postgres), found.st_uid, found.st_gid)
    (broken.layout.postgres / "global" / "pg_control").write_bytes(b"nothing")
    broken.start()
    assert broken.up is not None
    everyone = broken.everyone()
    code = broken.up.wait(60)
    assert code == 1
    assert "postgres cannot run" in broken.output.read_text()
    gone(everyone)
