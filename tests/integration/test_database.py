"""A pool's connections, as the appliance uses them."""

import os
import socket
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from appliance.access.web import Databases
from appliance.kit.database import LATE, Database
from appliance.kit.settings import Settings
from tests.factories.relay import relaying
from tests.integration.conftest import Cluster


def test_a_connection_that_ended_while_it_was_idle_is_replaced_unseen(postgres: Cluster, databases: Databases) -> None:
    with databases.app.session() as session:
        before = session.execute(text("select pg_backend_pid()")).scalar_one()
    with postgres.superuser() as connection:
        connection.execute("select pg_terminate_backend(%s)", [before])
    deadline = time.monotonic() + 10
    with postgres.superuser() as connection:
        while connection.execute("select 1 from pg_stat_activity where pid = %s", [before]).fetchone():
            assert time.monotonic() < deadline
    with databases.app.session() as session:
        after = session.execute(text("select pg_backend_pid()")).scalar_one()
    assert after != before


def test_a_server_that_acknowledges_nothing_is_given_up_within_half_a_minute(settings: Settings) -> None:
    home = Path((settings.layout.run / "postgres.host").read_text())
    with relaying(home / f".s.PGSQL.{settings.database.port}") as relay:
        away = settings.database.model_copy(update={"host": "127.0.0.1", "port": relay.port})
        pool = Database.of(settings.model_copy(update={"database": away}), "system")
        with pool.session() as session:
            driver = session.connection().connection.driver_connection
            assert driver is not None
            with socket.socket(fileno=os.dup(driver.fileno())) as ours:
                gone = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                idle = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        pool.close()
    assert 0 < gone <= 30_000
    assert 0 < idle <= 30


@pytest.mark.slow
@pytest.mark.parametrize("longest_ms", [None, 500])
def test_a_connection_on_which_nothing_is_answered_is_given_up_and_another_one_made(
    settings: Settings, longest_ms: int | None
) -> None:
    home = Path((settings.layout.run / "postgres.host").read_text())
    with relaying(home / f".s.PGSQL.{settings.database.port}") as relay:
        told = {"host": "127.0.0.1", "port": relay.port, "statement_timeout_ms": 30_000 if longest_ms else 500}
        away = settings.model_copy(update={"database": settings.database.model_copy(update=told)})
        pool = Database.of(away, "system", longest_ms=longest_ms)
        with pool.session() as session:
            session.execute(text("select 1"))
        relay.hush()
        begun = time.monotonic()
        with pytest.raises(OperationalError, match=r"has not answered for 5\.5 s"), pool.session() as session:
            session.execute(text("select 2"))
        took = time.monotonic() - begun
        relay.answer()
        with pool.session() as session:
            assert session.execute(text("select 3")).scalar_one() == 3
        pool.close()
    assert 0.5 + LATE <= took < 2 * LATE


@pytest.mark.slow
def test_a_commit_that_nothing_answers_is_given_up_too(settings: Settings) -> None:
    home = Path((settings.layout.run / "postgres.host").read_text())
    with relaying(home / f".s.PGSQL.{settings.database.port}") as relay:
        told = {"host": "127.0.0.1", "port": relay.port, "statement_timeout_ms": 500}
        away = settings.database.model_copy(update=told)
        pool = Database.of(settings.model_copy(update={"database": away}), "system")
        with pytest.raises(OperationalError, match="has not answered for"), pool.session():
            relay.hush()
        pool.close()


def test_a_slow_answer_within_the_time_of_a_statement_is_waited_for(settings: Settings) -> None:
    pool = Database.of(settings, "system", longest_ms=1_000)
    with pytest.raises(OperationalError, match="statement timeout"), pool.session() as session:
        session.execute(text("select pg_sleep(3)"))
    with pool.session() as session:
        assert session.execute(text("select pg_sleep(0.5), 1")).one()[1] == 1
    pool.close()
