"""The engine host on real rows and real processes, the engine itself being scripted."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from appliance.access.web import Databases
from appliance.catalog.service import Catalog
from appliance.drivers.vllm.arguments import EngineSettings
from appliance.drivers.vllm.port import Process
from appliance.kit.children import spawn
from appliance.kit.database import Database
from appliance.kit.errors import Broken
from appliance.kit.ids import uuid7
from appliance.kit.leftovers import Leftovers, started
from appliance.kit.settings import Settings
from appliance.serving import launch
from appliance.serving.host import Host, Timing
from appliance.serving.launch import ChildLauncher, Order, name
from appliance.serving.placement import Placement
from tests.factories.processes import gone, shell, until
from tests.integration.serving.conftest import Engines, settle


def test_an_engine_runs_as_its_row_says_and_is_drained_when_it_no_longer_does(engines: Engines) -> None:
    assert engines.row().actual == "stopped"
    with engines.running():
        row = engines.until("running")
        assert row.pid is not None
        assert started(row.pid) is not None
        assert row.seen_at is not None
        with engines.databases.operator.session() as session:
            settle(session, desired="stopped")
        engines.until("stopped")
        assert gone([row.pid])
        assert not engines.settings.layout.engine_socket(row.members[0].id).exists()
        with engines.databases.operator.session() as session:
            settle(session, desired="running")
        engines.until("running")
    assert engines.row().actual == "stopped"


def test_it_is_called_warm_once_every_gateway_may_have_read_that_it_is_in_service(engines: Engines) -> None:
    with engines.running():
        until(lambda: bool(list(engines.settings.layout.run.glob("engine-*.warm"))), 30)
        assert [member.in_service for member in engines.row().members] == [True]
        with engines.databases.operator.session() as session:
            settle(session, desired="stopped")
        engines.until("stopped")
        assert not list(engines.settings.layout.run.glob("engine-*.warm"))


def test_a_killed_engine_is_back_by_itself_with_the_reason_told(engines: Engines) -> None:
    with engines.running():
        row = engines.until("running")
        os.kill(row.pid or 0, signal.SIGKILL)
        assert engines.until("backing_off").reason == "ended with signal 9 while running"
        again = engines.until("running")
        assert again.pid != row.pid
        assert (again.restarts, again.reason) == (1, None)


class Counting(ChildLauncher):
    """Counts its starts."""

    starts = 0

    def start(self, order: Order) -> Process:
        self.starts += 1
        return super().start(order)


def test_what_an_engine_finds_under_a_name_that_can_be_foretold_nobody_else_put_there(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    cache = launch.cache(engines.settings.model_store)
    (cache / "tmp").mkdir(parents=True)
    (cache / "tmp").chmod(0o777)
    with engines.running():
        pid = engines.until("running").pid
        given = dict(entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if entry)
    assert Path(given["TMPDIR"]) == cache / "tmp"
    assert (cache / "tmp").stat().st_mode & 0o777 == 0o700
    assert Path(given["VLLM_RPC_BASE_PATH"]) == engines.settings.layout.run


def test_checking_the_weights_at_a_start_is_no_reason_to_start_again(engines: Engines) -> None:
    settings, system = engines.settings, engines.databases.system
    launcher, stop = Counting(settings, system), threading.Event()
    host = Host(engines.world(launcher), Timing(30))
    before = engines.row().version.verified_at
    while engines.row().actual != "running":
        host.once()
    host.once()
    assert launcher.starts == 1
    assert engines.row().version.verified_at > before
    stop.set()
    host.run(stop, 0.05)
    assert engines.row().actual == "stopped"


def test_changed_engine_settings_restart_the_engine(engines: Engines) -> None:
    with engines.running():
        row = engines.until("running")
        with engines.databases.operator.session() as session:
            settle(session, engine={"sequences": 4, "drain_seconds": 1})
        until(lambda: engines.row().pid not in (None, row.pid), 30)
        engines.until("running")


def test_weights_whose_licence_nobody_accepted_are_never_started(engines: Engines) -> None:
    with engines.databases.operator.session() as session:
        session.connection().exec_driver_sql("update model_versions set activated_at = null")
    with engines.running():
        row = engines.until("failed")
        assert (row.pid, "was not accepted" in str(row.reason)) == (None, True)


def test_tampered_weights_are_never_started(engines: Engines) -> None:
    version = engines.row().version
    path = version.directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with engines.running():
        row = engines.until("failed")
    assert row.reason is not None
    assert "model.safetensors does not have its recorded digest" in row.reason
    assert row.pid is None
    with engines.databases.app.session() as session:
        assert Catalog(session).one(version.id).state == "tampered"


def test_settings_that_no_engine_takes_fail_with_their_name(engines: Engines) -> None:
    with engines.databases.operator.session() as session:
        settle(session, engine={"context": 1})
    with engines.running():
        assert "context must lie between" in (engines.until("failed").reason or "")


def test_a_program_that_ends_at_once_is_tried_again_and_its_exit_told(engines: Engines, tmp_path: Path) -> None:
    settings = engines.settings
    broken = settings.engine.model_copy(update={"program": "appliance.no_such_engine"})
    engines.settings = settings.model_copy(update={"engine": broken})
    with engines.running():
        assert engines.until("backing_off").reason == "ended with exit code 1 while starting"
        until(lambda: engines.row().restarts >= 1, 20)
        log = settings.layout.log(name(engines.row().members[0].id))
    assert "No module named" in log.read_text()


def test_a_deployment_that_was_removed_is_drained(engines: Engines) -> None:
    with engines.running():
        row = engines.until("running")
        with engines.databases.operator.session() as session:
            session.connection().exec_driver_sql("delete from routes")
            session.connection().exec_driver_sql("delete from deployments")
        until(lambda: gone([row.pid or 0]), 20)


HOST = [sys.executable, "-m", "appliance.entry.engines"]


def host_environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "APPLIANCE_DATA": str(settings.data),
        "APPLIANCE_MODELS": str(settings.model_store),
        "APPLIANCE_DATABASE__NAME": settings.database.name,
        "APPLIANCE_DATABASE__HOST": settings.database.host,
        "APPLIANCE_DATABASE__PORT": str(settings.database.port),
        "APPLIANCE_DATABASE__STATEMENT_TIMEOUT_MS": str(settings.database.statement_timeout_ms),
        "APPLIANCE_ENGINE__PROGRAM": settings.engine.program,
        "APPLIANCE_ENGINE__POLL_SECONDS": "0.05",
    }


@pytest.mark.counted
@pytest.mark.slow
def test_a_killed_host_leaves_no_engine_and_its_successor_starts_one(engines: Engines, deployed: Databases) -> None:
    environment = host_environment(engines.settings)
    first = subprocess.Popen(HOST, env=environment, stderr=subprocess.DEVNULL)
    try:
        row = engines.until("running")
        first.kill()
        first.wait()
        until(lambda: gone([row.pid or 0]), 10)
        second = subprocess.Popen(HOST, env=environment, stderr=subprocess.DEVNULL)
        until(lambda: engines.row().pid != row.pid, 30)
        engines.until("running")
        second.terminate()
        assert second.wait(20) == 0
        assert engines.row().actual == "stopped"
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


class Leaving(Database):
    """A database until there is another to go to."""

    away: Database | None = None

    @contextmanager
    def session(self, tenant: UUID | None = None) -> Iterator[Session]:
        with self.away.session(tenant) if self.away else super().session(tenant) as found:
            yield found


def test_a_database_that_is_away_stops_no_engine_and_keeps_none_from_ending(engines: Engines) -> None:
    settings, system = engines.settings, engines.databases.system
    world = engines.world(ChildLauncher(settings, system))
    leaving = Leaving(system.engine.url)
    host, stop = Host(replace(world, system=leaving), Timing(30)), threading.Event()
    while engines.row().actual != "running":
        host.once()
    leaving.away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    thread = threading.Thread(target=host.run, args=(stop, 0.05))
    with capture_logs() as logs:
        thread.start()
        until(lambda: any("cannot be read" in line["event"] for line in logs))
        pid = engines.row().pid
        assert pid is not None
        assert started(pid) is not None
        stop.set()
        thread.join()
    assert gone([pid])
    assert any("cannot be reported" in line["event"] for line in logs)
    leaving.away.close()
    leaving.close()


def test_a_launcher_clears_what_a_killed_predecessor_left(engines: Engines, tmp_path: Path) -> None:
    child = spawn(shell("sleep 1000"), name="engine-of-before", log=tmp_path / "log")
    Leftovers(engines.settings.layout.run).record(child.trace)
    left, other = engines.settings.layout.run / str(uuid7()), engines.settings.layout.run / "not-one-of-its-sockets"
    left.touch()
    other.touch()
    ChildLauncher(engines.settings, engines.databases.system).clear()
    assert gone([child.pid])
    assert not left.exists()
    assert other.exists()
    assert child.poll() is not None


def test_a_program_that_cannot_be_run_at_all_is_told(engines: Engines) -> None:
    launcher = ChildLauncher(engines.settings, engines.databases.system)
    row = engines.row()
    order = Order(uuid7(), row.name, row.version, EngineSettings(), Placement(("cpu",)))
    shutil.rmtree(engines.settings.layout.run)
    with pytest.raises(Broken, match="No such file"):
        launcher.start(order)
