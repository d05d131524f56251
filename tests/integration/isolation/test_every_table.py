"""Row security over every table that there is: statements that forgot their filter, as each login.

The tables are read from the schema and their grants from the one file that has them, so a new table is tried too.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, Table, func, select, update
from sqlalchemy.exc import ProgrammingError

from appliance.access.web import Databases
from appliance.kit.database import scope
from migrations import policies
from migrations.policies import APP, OPERATOR, RULES, SYSTEM, forgettable
from tests.integration.isolation.town import Town

FENCED = sorted(name for name, rules in RULES.items() if rules.tenant_column)
LATER = [statement for group in vars(policies).values() if isinstance(group, tuple) for statement in group]
"""Grants that migrations made after the first: sentences of SQL."""
VERBS = ("select", "insert", "update", "delete", "truncate", "references", "trigger")
pytestmark = pytest.mark.timeout(300)


def _granted(name: str, login: str, table: Table | None = None) -> dict[str, set[str] | None]:
    """What a login may do with a table: verb → its columns, None for all."""
    found: dict[str, set[str] | None] = {}
    for told in RULES[name].roles[login]:
        verb, _, columns = told.rstrip(")").partition("(")
        found[verb] = set(columns.split(", ")) if columns else None
    for statement in (each for each in LATER if isinstance(each, str)):
        match = re.fullmatch(r"grant (\w+)(?: \((.*?)\))? on (.*?) to (.*)", statement)
        if match and name in match[3].split(", ") and login in match[4].split(", "):
            there = found.get(match[1], set())
            named = set(match[2].split(", ")) if match[2] else None
            found[match[1]] = None if named is None or there is None else there | named
    if table is not None and login == SYSTEM and forgettable(name):
        found["delete"], keys = None, {"tenant_id", *(column.name for column in table.primary_key)}
        seen = found.get("select", set())
        found["select"] = None if seen is None else seen | keys
    return found


@pytest.mark.parametrize("login", [APP, OPERATOR, SYSTEM])
def test_a_login_has_just_the_grants_that_the_file_names(town: Town, superuser: Engine, login: str) -> None:
    with superuser.connect() as connection:
        for name, table in town.tables.tables.items():
            if name != "alembic_version":
                expected = _granted(name, login, table)
                has = {verb: _may(connection, login, table, verb) for verb in VERBS}
                assert has == {verb: _columns(expected, table, verb) for verb in VERBS}, name


def _may(connection: Connection, login: str, table: Table, verb: str) -> set[str]:
    """The columns that the database lets it; all for a verb of whole rows."""
    if verb in ("delete", "truncate", "trigger"):
        asked = connection.execute(select(func.has_table_privilege(login, table.name, verb))).scalar()
        return {column.name for column in table.columns} if asked else set()
    return {
        column.name
        for column in table.columns
        if connection.execute(select(func.has_column_privilege(login, table.name, column.name, verb))).scalar()
    }


def _columns(granted: dict[str, set[str] | None], table: Table, verb: str) -> set[str]:
    if verb not in granted:
        return set()
    named = granted[verb]
    there = {column.name for column in table.columns}
    return there if named is None else named & there  # a column that a later migration took away


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def _seen(connection: Connection, table: Table) -> set[UUID]:
    return set(connection.execute(select(table.columns[_own(table)])).scalars())


def _changed(connection: Connection, table: Table) -> set[UUID]:
    """Whose rows an update of every row touches: each keeps what it has."""
    granted = _granted(table.name, APP)["update"]
    column = table.columns[min(granted) if granted else _own(table)]
    return set(
        connection.execute(update(table).values({column: column}).returning(table.columns[_own(table)])).scalars()
    )


def _removed(connection: Connection, table: Table) -> set[UUID]:
    """Whose rows a deletion of every row takes."""
    return set(connection.execute(table.delete().returning(table.columns[_own(table)])).scalars())


def _own(table: Table) -> str:
    return RULES[table.name].tenant_column or ""


ACTS: dict[str, Callable[[Connection, Table], set[UUID]]] = {"select": _seen, "update": _changed, "delete": _removed}


@pytest.mark.parametrize("verb", ACTS)
def test_a_statement_without_a_filter_meets_the_tenant_s_own_rows_alone(
    town: Town, databases: Databases, verb: str
) -> None:
    met: dict[str, set[UUID]] = {}
    with databases.app.session(town.one.tenant) as session:
        connection = session.connection()
        for table in reversed(town.tables.sorted_tables):  # rows go before the rows that they refer to
            granted = _granted(table.name, APP) if table.name in FENCED else {}
            if verb in granted and "select" in granted:
                met[table.name] = ACTS[verb](connection, table)
        session.rollback()
    assert {name: whose for name, whose in met.items() if whose - {town.one.tenant}} == {}
    bare = {name for name, whose in met.items() if not whose}
    assert len(met) - len(bare) > len(met) // 2, bare  # it is no test of nothing


def test_with_no_tenant_set_nothing_is_seen_changed_or_removed(town: Town, databases: Databases) -> None:
    with databases.app.session(town.one.tenant) as session:
        scope(session, None)
        connection = session.connection()
        for name in FENCED:
            granted = _granted(name, APP)
            for verb, act in ACTS.items():
                if verb in granted and "select" in granted:
                    with _undone(connection):
                        assert act(connection, town.tables.tables[name]) == set(), (name, verb)


def test_no_row_can_be_written_for_another_tenant(town: Town, databases: Databases) -> None:
    let_in = []
    with databases.app.session(town.one.tenant) as session:
        connection = session.connection()
        for name in sorted(town.two.planted.rows):
            with _undone(connection):
                if not _refused(connection, town.tables.tables[name], dict(town.two.planted.rows[name])):
                    let_in.append(name)
    assert let_in == []


def _refused(connection: Connection, table: Table, row: dict[str, object]) -> bool:
    """Whether a row of another tenant's is refused, for whose it is."""
    try:
        connection.execute(table.insert().values(row))
    except ProgrammingError as error:
        return re.search("permission denied|violates row-level security", str(error)) is not None
    return False


def test_the_system_login_removes_rows_of_tenants_that_end_and_else_only_what_it_sweeps(
    town: Town, databases: Databases
) -> None:
    """It may delete in every tenant table, for the deletion of a tenant; here none is being deleted."""
    kept = {}
    with databases.system.session() as session:
        connection = session.connection()
        for name in sorted(town.two.planted.rows):
            if forgettable(name) and "delete" not in _granted(name, SYSTEM):
                with _undone(connection):
                    kept[name] = _removed(connection, town.tables.tables[name])
    assert len(kept) > 10
    assert {name: gone for name, gone in kept.items() if gone} == {}
