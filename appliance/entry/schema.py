"""Database roles, and which revision the schema is at: without Alembic, which a start that migrates nothing needs not.

The files of ``migrations/versions`` are one line of revisions, read here as text: a rule holds that against Alembic.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from psycopg import sql
from sqlalchemy import URL, Connection, create_engine, pool, text

from appliance.kit.database import Login

LOGINS: tuple[Login, ...] = ("owner", "app", "operator", "system")
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_TOLD = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)


def revisions() -> dict[str, str | None]:
    """What this code knows, each with the one before it."""
    found = {}
    for path in (MIGRATIONS / "versions").glob("*.py"):
        told = dict(_TOLD.findall(path.read_text(encoding="utf-8")))
        found[told["revision"]] = told["down_revision"] or None
    return found


def head() -> str:
    """The newest revision that this code knows."""
    known = revisions()
    (newest,) = known.keys() - known.values()
    return newest


def known(revision: str) -> bool:
    """Whether this code has the revision; a database of a newer version has one that it lacks."""
    return revision in revisions()


def current(url: URL | str) -> str | None:
    """The revision that the database is at, None when it is empty."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        if connection.scalar(text("select to_regclass('alembic_version')")) is None:
            return None
        found: str | None = connection.scalar(text("select version_num from alembic_version"))
        return found


def create_roles(superuser: URL | str, passwords: Mapping[Login, str], database: str) -> None:
    """Create the four logins and the database, or set their passwords again. Harmless to repeat.

    ``superuser`` is used for this alone. No login is superuser, BYPASSRLS, CREATEDB or CREATEROLE.
    """
    engine = create_engine(superuser, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for login in LOGINS:
            _role(connection, f"appliance_{login}", passwords[login])
        exists = connection.execute(text("select 1 from pg_database where datname = :name"), {"name": database}).first()
        if exists is None:
            statement = sql.SQL("create database {} owner appliance_owner encoding 'UTF8' template template0").format(
                sql.Identifier(database)
            )
            connection.exec_driver_sql(statement.as_string())
            revoke = sql.SQL("revoke all on database {} from public").format(sql.Identifier(database))
            connection.exec_driver_sql(revoke.as_string())
            grant = sql.SQL("grant connect on database {} to appliance_app, appliance_operator, appliance_system")
            connection.exec_driver_sql(grant.format(sql.Identifier(database)).as_string())


def _role(connection: Connection, name: str, password: str) -> None:
    exists = connection.execute(text("select 1 from pg_roles where rolname = :name"), {"name": name}).first()
    verb = sql.SQL("alter" if exists else "create")
    statement = sql.SQL(
        "{} role {} login nosuperuser nocreatedb nocreaterole nobypassrls noreplication password {}"
    ).format(verb, sql.Identifier(name), sql.Literal(password))
    connection.exec_driver_sql(statement.as_string().replace("%", "%%"))
