"""One engine host at a time, on real processes and a real database: who comes second waits, and inherits."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from appliance.kit.database import Database
from appliance.kit.leftovers import started
from appliance.serving.tenure import LOCK, Superseded, Tenure
from tests.factories.processes import gone, until
from tests.factories.relay import Relay, relaying
from tests.integration.serving.conftest import Engines
from tests.integration.serving.test_host import HOST, host_environment

_HELD = "from pg_locks where locktype = 'advisory' and objsubid = 1 and objid = :low and classid = :high and granted"
_KEY = {"low": LOCK & 0xFFFFFFFF, "high": LOCK >> 32}


def cut(superuser: Engine) -> None:
    """End the connection that holds the lock, as a proxy or a restart of PostgreSQL would."""
    query = text(
        f"select pg_terminate_backend(pid) {_HELD} and database = "  # noqa: S608 - constants
        "(select oid from pg_database where datname = current_database())"
    )
    with superuser.begin() as connection:
        assert list(connection.execute(query, _KEY).scalars()) == [True]


@pytest.fixture
def host(engines: Engines, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts an engine host whose words go to a file of this name."""
    made: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        with (tmp_path / name).open("wb") as words:
            made.append(subprocess.Popen(HOST, env=host_environment(engines.settings), stderr=words, stdout=words))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()


@contextmanager
def tenure(engines: Engines) -> Iterator[Tenure]:
    """A hold of this process, and its pool."""
    pool = Database.of(engines.settings, "system")
    made = Tenure(pool)
    try:
        yield made
    finally:
        made.end()
        pool.close()


def test_a_second_host_waits_touches_nothing_and_takes_over_after_a_kill(
    engines: Engines, host: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    first = host("first")
    row = engines.until("running")
    second = host("second")
    sentence = f"another engine host runs (engines of {os.uname().nodename}, process {first.pid}): this one waits"
    until(lambda: sentence in (tmp_path / "second").read_text(), 30)
    assert engines.row().members == row.members
    assert started(row.pid or 0) is not None
    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: engines.row().pid not in (None, row.pid) and engines.row().actual == "running", 40)
    assert gone([row.pid or 0])
    second.terminate()
    assert second.wait(20) == 0
    assert engines.row().actual == "stopped"


def test_who_waits_ends_when_told_to_and_leaves_the_other_alone(
    engines: Engines, host: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    host("first")
    row = engines.until("running")
    second = host("second")
    until(lambda: "this one waits" in (tmp_path / "second").read_text(), 30)
    second.terminate()
    assert second.wait(10) == 0
    assert started(row.pid or 0) is not None
    assert engines.row().actual == "running"


def test_a_host_that_another_superseded_ends_with_its_engines(
    engines: Engines, host: Callable[[str], subprocess.Popen[bytes]], superuser: Engine, tmp_path: Path
) -> None:
    first = host("first")
    row = engines.until("running")
    with superuser.connect() as other:
        queued = threading.Thread(target=other.execute, args=(text("select pg_advisory_lock(:key)"), {"key": LOCK}))
        queued.start()
        waits = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
        with superuser.connect() as looking:
            until(lambda: bool(looking.execute(waits).scalar()))
        cut(superuser)
        queued.join()
        assert first.wait(30) == 1
    assert "another engine host took over" in (tmp_path / "first").read_text()
    until(lambda: gone([row.pid or 0]), 10)


def test_a_broken_connection_is_mended_and_stops_no_engine(
    engines: Engines, host: Callable[[str], subprocess.Popen[bytes]], superuser: Engine
) -> None:
    first = host("first")
    row = engines.until("running")
    cut(superuser)
    held = text(f"select count(*) {_HELD}")
    with superuser.connect() as looking:
        until(lambda: looking.execute(held, _KEY).scalar() == 1)
    assert engines.row().pid == row.pid
    assert first.poll() is None


@contextmanager
def far(engines: Engines, **settings: int) -> Iterator[Relay]:
    """Hosts that begin now reach PostgreSQL through this proxy."""
    database = engines.settings.database
    home = Path((engines.settings.layout.run / "postgres.host").read_text())
    with relaying(home / f".s.PGSQL.{database.port}") as relay:
        away = database.model_copy(update={"host": "127.0.0.1", "port": relay.port, **settings})
        engines.settings = engines.settings.model_copy(update={"database": away})
        yield relay


def test_a_connection_that_broke_on_this_side_alone_supersedes_nobody(
    engines: Engines, host: Callable[[str], subprocess.Popen[bytes]], superuser: Engine, tmp_path: Path
) -> None:
    held = text(f"select pid {_HELD}")
    with far(engines) as relay:
        first = host("first")
        row = engines.until("running")
        with superuser.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
            before = looking.execute(held, _KEY).scalar()
            relay.lose()
            until(lambda: looking.execute(held, _KEY).scalar() not in (None, before))
    assert engines.row().pid == row.pid
    assert first.poll() is None
    assert "held by this host's own lost connection" in (tmp_path / "first").read_text()


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_database_that_keeps_every_connection_and_answers_nothing_stops_no_engine_and_no_look_for_ever(
    engines: Engines, host: Callable[[str], subprocess.Popen[bytes]], superuser: Engine, tmp_path: Path
) -> None:
    held = text(f"select pid {_HELD}")
    with far(engines, statement_timeout_ms=500) as relay:
        first = host("first")
        row = engines.until("running")
        with superuser.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
            before = looking.execute(held, _KEY).scalar()
            relay.hush()
            given_up = ("cannot be read for now", "cannot be reported")  # whichever look found it silent, or came next
            until(lambda: any(words in (tmp_path / "first").read_text() for words in given_up), 90)
            assert first.poll() is None
            relay.answer()
            until(lambda: looking.execute(held, _KEY).scalar() not in (None, before), 30)
        seen = engines.row().seen_at
        until(lambda: engines.row().seen_at != seen, 30)
    assert engines.row().pid == row.pid
    assert first.poll() is None


def test_only_one_holds_it_and_says_who(engines: Engines, superuser: Engine) -> None:
    with tenure(engines) as one, tenure(engines) as two:
        one.name = "engines of here"
        assert one.wait(threading.Event())
        one.keep()
        with pytest.raises(Superseded, match=r"took over \(engines of here\)"):
            two.keep()
        cut(superuser)
        assert two.wait(threading.Event())
        with pytest.raises(Superseded):
            one.keep()
        two.end()

        def again() -> bool:
            with suppress(Superseded):  # two's server process takes a moment to see that its connection is gone
                one.keep()
                return True
            return False

        until(again)


def test_waiting_outlasts_a_database_that_does_not_answer() -> None:
    away, stop = Database("postgresql+psycopg://nobody@127.0.0.1:1/none"), threading.Event()
    threading.Timer(0.3, stop.set).start()
    with capture_logs() as logs:
        assert not Tenure(away).wait(stop, 0.02)
    assert ["the database does not answer" in line["event"] for line in logs] == [True]
    away.close()
