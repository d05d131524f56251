"""The embedded PostgreSQL keeps others out, believes no stale lock, and outlives kill -9."""

import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from appliance.drivers import postgres, postgres_user
from appliance.drivers.postgres import AlreadyRunning, ClusterNotMade, Postgres, last_line
from appliance.drivers.postgres_user import NoUserForPostgres
from appliance.kit.children import Identity, spawn
from appliance.kit.errors import Broken
from appliance.kit.layout import Layout
from tests.factories.processes import gone, until
from tests.integration.conftest import Cluster

NOBODY = 65534
ATTEMPT = """
import os, sys, psycopg
os.setgroups([]); os.setgid({uid}); os.setuid({uid})
try:
    psycopg.connect({address!r})
except psycopg.OperationalError as error:
    print(error); sys.exit(0)
sys.exit("connected")
"""


@pytest.fixture
def reachable() -> Iterator[Layout]:
    """A data directory that every user of the machine can traverse, as under /var/lib."""
    place = Path(tempfile.mkdtemp(dir="/var/tmp"))
    place.chmod(0o755)
    layout = Layout(place / "data")
    layout.make()
    yield layout
    with suppress(FileNotFoundError):
        shutil.rmtree((layout.run / "postgres.host").read_text())
    shutil.rmtree(place)


@pytest.fixture
def private(tmp_path: Path) -> Layout:
    """A data directory where only its owner may look, as under /root."""
    tmp_path.chmod(0o700)
    layout = Layout(tmp_path / "data")
    layout.make()
    return layout


def attempt(address: str, uid: int = NOBODY) -> str:
    """What another user of the machine is told who tries to connect."""
    code = ATTEMPT.format(uid=uid, address=address)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(server: Postgres) -> bool:
    with psycopg.connect(server.address()) as connection:
        return connection.execute("select 1").fetchone() == (1,)


def test_another_user_cannot_connect_even_with_the_password(reachable: Layout, private: Layout) -> None:
    for layout in (reachable, private):
        server = Postgres(layout)
        with server.start() as child:
            server.wait(child, 60)
            assert answers(server)
            for directory in (Path(server.host()), server.cluster):
                assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert "Permission denied" in attempt(server.address())
            lines = (server.cluster / "pg_hba.conf").read_text().splitlines()
            assert {line.split()[-1] for line in lines if line and not line.startswith("#")} == {"scram-sha-256"}
            child.stop()


def test_nobody_connects_without_a_password(private: Layout) -> None:
    server = Postgres(private)
    with server.start() as child:
        server.wait(child, 60)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=server.host(), user="postgres", dbname="postgres")
        with psycopg.connect(server.address()) as connection:
            assert connection.execute("show listen_addresses").fetchone() == ("",)
        child.stop()


def test_no_login_of_ours_is_a_superuser_or_bypasses_row_security(postgres: Cluster) -> None:
    with postgres.superuser() as connection:
        rows = connection.execute(
            "select rolname from pg_roles where rolname like 'appliance_%' and"
            " (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)"
        ).fetchall()
        assert rows == []


def test_a_stale_lock_with_a_reused_process_id_does_no_harm(private: Layout) -> None:
    server = Postgres(private)
    with server.start() as child:
        server.wait(child, 60)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
    lock = server.cluster / "postmaster.pid"
    with spawn(["sleep", "1000"], name="stranger") as stranger:
        for stale in (lock, Path(server.host()) / ".s.PGSQL.5432.lock"):
            stale.write_text(stale.read_text().replace(str(child.pid), str(stranger.pid), 1))
        with server.start() as again:
            server.wait(again, 60)
            assert answers(server)
            assert stranger.poll() is None
            again.stop()


def test_a_second_server_on_the_same_cluster_is_refused(private: Layout) -> None:
    server = Postgres(private)
    with server.start() as child:
        server.wait(child, 60)
        with pytest.raises(AlreadyRunning, match=str(child.pid)):
            Postgres(private).start()
        assert answers(server)


def test_kill_9_of_the_postmaster_leaves_no_backend_and_recovery_follows(private: Layout) -> None:
    server = Postgres(private)
    with server.start() as child:
        server.wait(child, 60)
        with psycopg.connect(server.address(), autocommit=True) as connection:
            connection.execute("create table kept as select 1 as x")
            os.kill(child.pid, signal.SIGKILL)
            child.wait(10)
        until(lambda: server.residents() == [])
    with server.start() as again:
        server.wait(again, 60)
        with psycopg.connect(server.address()) as connection:
            assert connection.execute("select x from kept").fetchone() == (1,)
        again.stop()


def test_backends_that_do_not_notice_their_postmasters_death_are_ended(private: Layout) -> None:
    server = Postgres(private)
    server.patience = 0.1
    with server.start() as child:
        server.wait(child, 60)
        [stopped, *_] = [pid for pid in server.residents() if pid != child.pid]
        os.kill(stopped, signal.SIGSTOP)
        os.kill(child.leash_pid, signal.SIGKILL)
        (server.cluster / "postmaster.pid").unlink()
        with server.start() as again:
            assert gone([stopped])
            server.wait(again, 60)
            again.stop()


def test_a_data_path_too_long_for_a_socket_gets_a_short_private_directory(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ("long" * 25) / "data")
    layout.make()
    server = Postgres(layout)
    for _ in range(2):
        with server.start() as child:
            server.wait(child, 60)
            place = Path(server.host())
            assert place.parent in postgres.SHORT_PLACES
            assert stat.S_IMODE(place.stat().st_mode) == 0o700
            child.stop()
    assert [path for path in place.parent.glob("appliance-*") if path == place] == [place]
    shutil.rmtree(place)


def test_a_cluster_that_cannot_be_made_is_told_with_the_reason(private: Layout) -> None:
    server = Postgres(private)
    server.programs = private.data / "programs"
    server.programs.mkdir()
    (server.programs / "initdb").write_text("#!/bin/sh\necho no room left\nexit 1\n")
    (server.programs / "initdb").chmod(0o755)
    with pytest.raises(ClusterNotMade, match="no room left"):
        server.start()
    assert not server.cluster.exists()


def test_a_server_that_ends_while_it_starts_is_told_with_its_last_words(private: Layout) -> None:
    server = Postgres(private)
    with server.start({"shared_buffers": "nonsense"}) as child, pytest.raises(Broken, match="shared_buffers"):
        server.wait(child, 30)
    with server.start() as child:
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(Broken, match="not ready after 0 s"):
            server.wait(child, 0)


def test_a_server_that_recovers_says_so(private: Layout) -> None:
    server = Postgres(private)
    with server.start() as child:
        server.wait(child, 60)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
    seen = set()
    with server.start() as child:
        while state := server.probe():
            seen.add(state)
        child.stop()
    assert seen


def test_a_cluster_of_another_owner_is_handed_over(private: Layout) -> None:
    server = Postgres(private)
    with server.start() as child:
        server.wait(child, 60)
        child.stop()
    if os.geteuid() == 0:
        for path in (server.cluster, *server.cluster.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    with server.start() as child:
        server.wait(child, 60)
        assert answers(server)
        child.stop()


def test_where_nobody_can_run_it_the_sentence_says_what_to_do(private: Layout) -> None:
    if os.geteuid() != 0:
        assert postgres_user.choose(private.data / "no-program", private.data) == Identity()
        return
    with pytest.raises(NoUserForPostgres, match="no-program"):
        postgres_user.choose(private.data / "no-program", private.data)


def test_the_first_name_that_exists_is_taken() -> None:
    invented = f"no-{secrets.token_hex(4)}"
    assert postgres_user.first([invented, "root"]) is not None
    assert postgres_user.first([invented]) is None


def test_what_a_silent_process_said_last_is_told_too(tmp_path: Path) -> None:
    assert last_line(tmp_path / "none") == "it said nothing"
