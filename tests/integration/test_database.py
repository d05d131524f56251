"""A pool's connections, as the appliance uses them."""

import os
import socket
import time
from pathlib import Path

from sqlalchemy import text

from appliance.access.web import Databases
from appliance.kit.database import Database
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
