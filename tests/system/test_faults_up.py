"""However ``up`` or one of its parts ends, no process survives, and all of it starts again on the same data."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.kit.ids import uuid7
from appliance.kit.leash import family, stat
from tests.factories.appliance import CONTROL_PLANE, Appliance, gone, wait

NOBODY = 65534
ATTEMPT = """
import os, sys, psycopg
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
try:
    psycopg.connect(host={host!r}, user="appliance_app", password={password!r}, dbname="appliance")
except psycopg.OperationalError as error:
    print(error); sys.exit(0)
sys.exit("connected")
"""


def serves(made: Appliance) -> bool:
    with made.api() as api:
        return api.get("/readyz").status_code == 200 and api.get("/api/v1/status").status_code == 200


def test_the_first_start_prints_a_sign_in_once_and_keeps_the_key_private(running: Appliance) -> None:
    assert serves(running)
    assert running.layout.secret("cli.json").stat().st_mode & 0o777 == 0o600
    for secret in running.layout.secrets.iterdir():
        assert secret.stat().st_mode & 0o777 == 0o600
    key = running.key()
    logs = "".join(path.read_text(errors="replace") for path in running.layout.logs.iterdir())
    assert key not in logs
    assert "Sign in once" not in logs
    running.stop()
    running.start()
    running.wait_ready(*CONTROL_PLANE)
    assert "Sign in once" not in running.output.read_text()
    assert running.key() == key


def test_what_is_being_uploaded_lies_on_the_disk_of_the_data_and_not_in_tmp(running: Appliance) -> None:
    web = Path(f"/proc/{running.pid('web')}/fd")

    def unnamed() -> set[Path]:
        found = set()
        for one in web.iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found.add(one.readlink())
        return {path for path in found if "(deleted)" in path.name}

    before = unnamed()
    head = [
        f"POST /api/v1/collections/{uuid7()}/documents HTTP/1.1",
        "host: appliance",
        f"authorization: Bearer {running.key()}",
        "content-type: multipart/form-data; boundary=edge",
        "content-length: 8000000",
        "",
        '--edge\r\ncontent-disposition: form-data; name="file"; filename="a.md"\r\n\r\n',
    ]
    with socket.create_connection(("127.0.0.1", running.port)) as caller:
        caller.sendall("\r\n".join(head).encode() + b"x" * 3_000_000)
        wait(lambda: bool(unnamed() - before), 30, "the spooled file")
        assert {path.parent for path in unnamed() - before} == {running.layout.spool}
    assert running.layout.spool.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_with_exit_code_0(running: Appliance, number: signal.Signals) -> None:
    everyone = running.everyone()
    assert running.stop(number) == 0
    gone(everyone, 1)
    assert not (running.layout.run / "up.json").exists()


def test_the_verb_stop_ends_all_and_says_so_when_nothing_runs(running: Appliance) -> None:
    everyone = running.everyone()
    assert running.run("status").returncode == 0
    assert running.run("stop").returncode == 0
    gone(everyone, 1)
    again = running.run("stop")
    assert again.returncode != 0
    assert "No appliance runs" in again.stdout + again.stderr


def test_kill_9_of_up_leaves_no_survivor_after_10_seconds_and_it_starts_again(running: Appliance) -> None:
    everyone, key = running.everyone(), running.key()
    assert len(everyone) > 15
    running.stop(signal.SIGKILL)
    gone(everyone, 10)
    running.start()
    running.wait_ready(*CONTROL_PLANE, seconds=60)
    assert running.key() == key
    assert serves(running)


def test_it_starts_again_at_once_after_kill_9_of_everything(running: Appliance) -> None:
    for pid in running.everyone():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.stop(signal.SIGKILL)
    running.start()
    running.wait_ready(*CONTROL_PLANE, seconds=60)
    assert serves(running)


@pytest.mark.parametrize("part", ["web", "worker", "index", "valkey", "postgres"])
def test_a_killed_part_returns_and_nothing_of_it_survives(running: Appliance, part: str) -> None:
    below, before = family(running.pid(part)), running.record().parts[part].restarts
    former = running.kill(part)
    gone([former, *below], 10)
    running.restarted(part, former, 60)
    deadline = time.monotonic() + 30
    while not serves(running):
        assert time.monotonic() < deadline
    assert running.record().parts[part].restarts == before + 1


def test_what_hangs_without_ending_is_started_again_and_nothing_else_is(tmp_path: Path) -> None:
    settings = {"APPLIANCE_ENGINE__ENABLED": "false", "APPLIANCE_HOST__PATIENCE": "0.1"}  # 6 to 18 s
    made = Appliance(tmp_path / "data", settings)
    made.start()
    try:
        made.wait_ready()
        formers = {part: made.pid(part) for part in ("web", "worker", "index", "encoder")}
        below = [pid for former in formers.values() for pid in family(former)]
        for pid in formers.values():
            os.kill(pid, signal.SIGSTOP)
        for part, former in formers.items():
            made.restarted(part, former, 120)
        gone([*formers.values(), *below], 10)
        assert serves(made)
        assert {name: part.restarts for name, part in made.record().parts.items() if part.restarts} == dict.fromkeys(
            formers, 1
        )
        printed = made.output.read_text()
        assert [part for part in formers if f"{part} does not answer any more" not in printed] == []
    finally:
        made.stop()


def test_kill_9_of_a_supervisor_leaves_nothing_of_its_child(running: Appliance) -> None:
    former = running.pid("worker")
    below = [former, *family(former)]
    leash = stat(former)[1]
    os.kill(leash, signal.SIGKILL)
    gone(below, 10)
    running.restarted("worker", former, 60)


def test_another_user_of_the_machine_cannot_connect_to_postgresql(running: Appliance) -> None:
    host = (running.layout.run / "postgres.host").read_text()
    password = running.layout.secret("postgres-app").read_text()
    code = ATTEMPT.format(nobody=NOBODY, host=host, password=password)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Permission denied" in done.stdout


def test_the_app_login_is_no_superuser(running: Appliance) -> None:
    query = "select bool_or(rolsuper or rolbypassrls) from pg_roles where rolname like 'appliance_%%'"
    assert running.value(query) is False


def test_a_stale_lock_with_a_reused_process_id_does_no_harm(running: Appliance) -> None:
    lock = running.layout.postgres / "postmaster.pid"
    text, former = lock.read_text(), running.pid("postgres")
    running.stop(signal.SIGKILL)
    gone([former])
    with subprocess.Popen(["/bin/sleep", "1000"]) as stranger:
        lock.write_text(text.replace(str(former), str(stranger.pid), 1))
        running.start()
        running.wait_ready(*CONTROL_PLANE, seconds=60)
        assert serves(running)
        assert stranger.poll() is None
        stranger.kill()
