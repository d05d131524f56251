"""The wall between tenants stands in the database: proven with queries that forgot every filter."""

from uuid import UUID

import pytest
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import ProgrammingError

from appliance.access.principal import Role
from appliance.access.web import Databases
from appliance.kit.database import Base, Database
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.tenants.service import Tenants
from migrations import policies


def _two_tenants(databases: Databases) -> tuple[UUID, UUID]:
    with databases.operator.session() as session:
        made = [Tenants(session).create(name).id for name in ("one", "two")]
        for tenant in made:
            Tenants(session).people(tenant).add(f"user of {tenant}", "U", Role.MEMBER)
    return made[0], made[1]


def _tables(owner: Database) -> dict[str, set[str]]:
    inspector = inspect(owner.engine)
    return {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_every_table_has_rules_and_every_tenant_table_forces_row_security(owner: Database, settings: Settings) -> None:
    tables = _tables(owner)
    assert set(tables) == set(policies.RULES)
    with owner.session() as session:
        rows = session.execute(text("select relname, relrowsecurity and relforcerowsecurity from pg_class")).all()
    forced = {row[0]: row[1] for row in rows}
    for table, columns in tables.items():
        rules = policies.RULES[table]
        if "tenant_id" in columns:
            assert rules.tenant_column == "tenant_id", table
        assert forced[table] == (rules.tenant_column is not None), table


def test_no_login_is_more_than_it_must_be(owner: Database, settings: Settings) -> None:
    with owner.session() as session:
        rows = session.execute(
            text(
                "select rolname, rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication "
                "from pg_roles where rolname like 'appliance%'"
            )
        ).all()
    assert {row[0]: row[1] for row in rows} == {
        "appliance_owner": False,
        "appliance_app": False,
        "appliance_operator": False,
        "appliance_system": False,
    }


def test_a_query_without_filter_finds_only_the_tenant_s_rows(databases: Databases) -> None:
    one, two = _two_tenants(databases)
    for tenant in (one, two):
        with databases.app.session(tenant) as session:
            assert session.execute(text("select tenant_id from users")).scalars().all() == [tenant]
            assert session.execute(text("select id from tenants")).scalars().all() == [tenant]


def test_with_no_tenant_set_every_tenant_table_looks_empty(databases: Databases) -> None:
    _two_tenants(databases)
    readable = [name for name, rules in policies.RULES.items() if rules.tenant_column and "select" in rules.app]
    assert {"users", "documents", "chunks", "messages", "jobs"} <= set(readable)
    with databases.app.session() as session:
        for table in readable:
            assert session.execute(text(f"select count(*) from {table}")).scalar_one() == 0, table  # noqa: S608 - ours


def test_a_pooled_connection_forgets_its_last_tenant(settings: Settings) -> None:
    one_connection = Database(Database.of(settings, "app").engine.url, pool_size=1)
    with one_connection.session(uuid7()) as session:
        backend = session.execute(text("select pg_backend_pid()")).scalar_one()
    with one_connection.session() as session:
        assert session.execute(text("select pg_backend_pid()")).scalar_one() == backend
        assert session.execute(text("select current_setting('app.tenant_id', true)")).scalar_one() == ""
        assert session.execute(text("select count(*) from users")).scalar_one() == 0
    one_connection.close()


def test_rows_of_another_tenant_cannot_be_written_changed_or_removed(databases: Databases) -> None:
    one, two = _two_tenants(databases)
    collections = Base.metadata.tables["collections"]
    with databases.app.session(two) as session:
        session.execute(insert(collections).values(id=uuid7(), tenant_id=two, name="theirs"))
    with pytest.raises(ProgrammingError, match="row-level security"), databases.app.session(one) as session:
        session.execute(insert(collections).values(id=uuid7(), tenant_id=two, name="smuggled"))
    with databases.app.session(one) as session:
        assert session.execute(text("update collections set name = 'taken'")).rowcount == 0  # type: ignore[attr-defined] # a CursorResult
        assert session.execute(text("delete from collections")).rowcount == 0  # type: ignore[attr-defined] # a CursorResult
    with databases.app.session(two) as session:
        assert session.scalars(select(collections.c.name)).all() == ["theirs"]


FORBIDDEN = [
    ("app", "select 1 from audit_entries"),
    ("app", "update audit_entries set outcome = 'done'"),
    ("app", "delete from audit_entries"),
    ("app", "update tenants set state = 'active'"),
    ("app", "select 1 from sign_ins"),
    ("app", "delete from usage_records"),
    ("app", "update deployments set desired = 'stopped'"),
    ("app", "create table mine (id int)"),
    ("app", "set role appliance_owner"),
    ("operator", "select 1 from chunks"),
    ("operator", "select 1 from messages"),
    ("operator", "delete from audit_entries"),
    ("system", "update users set role = 'operator'"),
    ("system", "select title from conversations"),
    ("system", "select quote from citations"),
    ("system", "update deployments set desired = 'stopped'"),
]


def test_what_a_login_may_not_do(databases: Databases) -> None:
    for login, statement in FORBIDDEN:
        database: Database = getattr(databases, login)
        with pytest.raises(ProgrammingError, match=r"permission denied|must be"), database.session() as session:
            session.execute(text(statement))
