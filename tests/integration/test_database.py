"""A pool's connections, as the appliance uses them."""

import time

from sqlalchemy import text

from appliance.access.web import Databases
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
