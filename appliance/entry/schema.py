"""Database roles and schema: made and brought up to date as the owner, before any other process connects."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import URL, Connection, create_engine, pool, text

from appliance.kit.database import Login

LOGINS: tuple[Login, ...] = ("owner", "app", "operator", "system")
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def configuration() -> Config:
    """Alembic's configuration; there is no ini file to keep in step."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("prepend_sys_path", str(MIGRATIONS.parent))
    return config


def head() -> str:
    """The newest revision that this code knows."""
    return cast("str", ScriptDirectory.from_config(configuration()).get_current_head())


def known(revision: str) -> bool:
    """Whether this code has the revision; a database of a newer version has one that it lacks."""
    return revision in {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}


def current(url: URL | str) -> str | None:
    """The revision that the database is at, None when it is empty."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


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


def upgrade(owner: URL | str, revision: str = "head") -> None:
    """Bring the schema up to a revision."""
    _with_connection(owner, lambda config: command.upgrade(config, revision))


def downgrade(owner: URL | str, revision: str) -> None:
    """Take the schema back to a revision (``base``: nothing)."""
    _with_connection(owner, lambda config: command.downgrade(config, revision))


def check(owner: URL | str) -> None:
    """Raise when the tables in code and in the database differ."""
    _with_connection(owner, command.check)


def _with_connection(owner: URL | str, act: Callable[[Config], object]) -> None:
    engine = create_engine(owner, poolclass=pool.NullPool)
    with engine.connect() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        act(config)
