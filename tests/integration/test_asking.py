"""Questions that are asked together: for one tenant, in a transaction of their own, in one round trip."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError

from appliance.access.web import Databases
from appliance.kit.asking import Question, ask
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from tests.factories.relay import relaying
from tests.integration.conftest import Cluster

ME = Question(text("select current_setting('app.tenant_id', true) as tenant, pg_backend_pid() as pid, txid_current()"))
TENANTS = Question(text("select id from tenants"))
HALF = Question(text("select 100 / cast(:by as int) as part, '50 %' as told"))


def tenant(databases: Databases) -> UUID:
    made = uuid7()
    with databases.operator.session() as session:
        session.execute(text("insert into tenants (id, name) values (:id, :name)"), {"id": made, "name": str(made)})
    return made


def test_all_are_answered_in_one_transaction_for_one_tenant(databases: Databases) -> None:
    mine, _ = tenant(databases), tenant(databases)
    for _ in range(7):  # the first ones are parsed, the later ones prepared
        first, seen, half, last = ask(databases.app, mine, ME.of(), TENANTS.of(), HALF.of(by=4), ME.of())
        assert (first, first[0].tenant) == (last, str(mine))
        assert [row.id for row in seen] == [mine]
        assert [(row.part, row.told) for row in half] == [(25, "50 %")]


def test_its_tenant_ends_with_it_and_the_connection_begins_transactions_again(databases: Databases) -> None:
    mine = tenant(databases)
    ((told,),) = ask(databases.app, mine, ME.of())
    with databases.app.session() as session:
        after = session.execute(text("select current_setting('app.tenant_id', true), pg_backend_pid()")).one()
        assert tuple(after) == ("", told.pid)
        session.execute(text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(mine)})
        assert session.execute(text("select id from tenants")).scalars().all() == [mine]
    ((later,),) = ask(databases.app, uuid7(), ME.of())
    assert later.pid == told.pid
    assert later.txid_current != told.txid_current


def test_an_error_is_a_sessions_error_and_its_connection_is_not_used_again(databases: Databases) -> None:
    mine = tenant(databases)
    ((before,),) = ask(databases.app, mine, ME.of())
    with pytest.raises(DataError, match="division by zero"):
        ask(databases.app, mine, ME.of(), HALF.of(by=0), ME.of())
    ((after,),) = ask(databases.app, mine, ME.of())
    assert after.pid != before.pid


def test_what_takes_too_long_is_ended(settings: Settings, databases: Databases) -> None:
    short = Database.of(settings.model_copy(update={"database": brief(settings)}), "app")
    with pytest.raises(OperationalError, match="statement timeout"):
        ask(short, tenant(databases), Question(text("select pg_sleep(5)")).of())
    short.close()


def brief(settings: Settings) -> object:
    return settings.database.model_copy(update={"statement_timeout_ms": 50})


def test_a_connection_that_ended_while_it_was_idle_is_replaced_unseen(postgres: Cluster, databases: Databases) -> None:
    mine = tenant(databases)
    ((before,),) = ask(databases.app, mine, ME.of())
    with postgres.superuser() as connection:
        connection.execute("select pg_terminate_backend(%s, 10000)", [before.pid])
    ((after,),) = ask(databases.app, mine, ME.of())
    assert after.pid != before.pid


def test_a_server_that_goes_while_it_is_asked_is_told_as_such(settings: Settings, databases: Databases) -> None:
    mine, home = tenant(databases), Path((settings.layout.run / "postgres.host").read_text())
    with relaying(home / f".s.PGSQL.{settings.database.port}") as relay:
        away = settings.database.model_copy(update={"host": "127.0.0.1", "port": relay.port})
        pool = Database.of(settings.model_copy(update={"database": away}), "app")
        ask(pool, mine, ME.of())
        with pytest.raises(OperationalError):
            ask(pool, mine, ME.of(), Question(text("select pg_terminate_backend(pg_backend_pid())")).of())
        ask(pool, mine, ME.of())
        pool.close()
