"""Real stores for integration tests: one PostgreSQL and one Valkey for the session, a database of its own per test.

Every test that asks for ``settings`` gets a data directory and an empty, migrated database, cloned from a template (in
a tenth of a second). ``databases`` are the pools of the web process on it, ``owner`` the login of migrations.
"""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, Engine, MetaData, create_engine

from appliance.access.web import Databases
from appliance.drivers import valkey as valkey_driver
from appliance.drivers.postgres import PORT, Postgres
from appliance.entry import migrating, schema
from appliance.kit.database import Database, Login
from appliance.kit.layout import Layout
from appliance.kit.settings import BrokerSettings, DatabaseSettings, Settings

TEMPLATE = "template_migrated"
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "max_wal_size": "256MB",
}
"""A cluster that dies with the tests need not survive a power cut."""
MEMORY, ROOM = Path("/dev/shm"), 2 << 30
"""Where the cluster lies if so much is free: a copy of a database takes a tenth of the CPU that one on disk takes."""
OURS = "appliance-tests"
BINARIES = "TESTS_POSTGRES"
"""The directory of another PostgreSQL's programs: `.ci/run` names Debian's."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The session's PostgreSQL, its four logins made."""

    server: Postgres
    passwords: dict[Login, str]

    def superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that may do anything."""
        return psycopg.connect(self.server.address(), autocommit=True)

    def url(self, login: Login, database: str) -> URL:
        """Where and as whom to connect."""
        return URL.create(
            "postgresql+psycopg",
            username=f"appliance_{login}",
            password=self.passwords[login],
            port=PORT,
            database=database,
            query={"host": self.server.host()},
        )

    def create(self, name: str, template: str) -> None:
        """A new database, a copy of another."""
        statement = sql.SQL("create database {} template {} owner appliance_owner strategy file_copy")
        with self.superuser() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
            connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
            grant = sql.SQL("grant connect on database {} to appliance_app, appliance_operator, appliance_system")
            connection.execute(grant.format(sql.Identifier(name)))

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory in memory, or an ordinary one where there is none to spare."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM):
        yield tmp_path_factory.mktemp("pg")
        return
    for left in MEMORY.glob(f"{OURS}-*-*"):  # of a run that was killed: memory that nobody gives back
        if not Path("/proc", left.name.split("-")[-2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{OURS}-{os.getpid()}-", dir=MEMORY) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def postgres(fast: Path) -> Iterator[Cluster]:
    """One server for the session; the roles exist, and a database ``template_empty`` without a schema."""
    layout = Layout(fast)
    layout.make()
    other = os.environ.get(BINARIES)
    server = Postgres(layout, Path(other) if other else None)
    weak = {} if other else {"scram_iterations": "1"}  # 3 ms less for each connection; 15 does not know it
    with server.start({**QUICK, **weak}) as child:
        server.wait(child, 60)
        cluster = Cluster(server, {login: secrets.token_urlsafe(16) for login in schema.LOGINS})
        superuser = URL.create(
            "postgresql+psycopg",
            username="postgres",
            password=layout.secret("postgres-superuser").read_text(),
            port=PORT,
            database="postgres",
            query={"host": server.host()},
        )
        schema.create_roles(superuser, cluster.passwords, "template_empty")
        yield cluster


@pytest.fixture(scope="session")
def migrated(postgres: Cluster) -> str:
    """The name of a database with the newest schema and no rows; nobody may connect to it, it is cloned."""
    postgres.create(TEMPLATE, "template_empty")
    migrating.upgrade(postgres.url("owner", TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def tables(postgres: Cluster, migrated: str) -> MetaData:
    """The schema as the migrations made it, read once for the session."""
    engine, tables = create_engine(postgres.url("owner", migrated)), MetaData()
    tables.reflect(engine)
    engine.dispose()  # of a database that somebody is connected to there is no copy
    return tables


@pytest.fixture
def template(migrated: str) -> str:
    """What the test's database is a copy of: who overrides it has tests that begin with the same rows."""
    return migrated


@pytest.fixture
def settings(postgres: Cluster, template: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an appliance of this test's own: an empty data directory and a copy of the migrated database."""
    name = f"test_{secrets.token_hex(6)}"
    postgres.create(name, template)
    layout = Layout(tmp_path / "data")
    layout.make()
    (layout.run / "postgres.host").write_text(postgres.server.host())
    for login, password in postgres.passwords.items():
        layout.secret(f"postgres-{login}").write_text(password)
    yield Settings(data=layout.data, database=DatabaseSettings(name=name, pool_size=4))
    postgres.drop(name)


@pytest.fixture
def databases(settings: Settings) -> Iterator[Databases]:
    """The three pools of the web process."""
    pools = Databases(Database.of(settings, "app"), Database.of(settings, "operator"), Database.of(settings, "system"))
    yield pools
    pools.close()


@pytest.fixture
def owner(settings: Settings) -> Iterator[Database]:
    """The login that migrations use."""
    pool = Database.of(settings, "owner")
    yield pool
    pool.close()


@pytest.fixture
def superuser(postgres: Cluster, settings: Settings) -> Iterator[Engine]:
    """Whom row security does not hold: plants what is to be hidden, and looks at what became of it."""
    address = psycopg.conninfo.make_conninfo(postgres.server.address(), dbname=settings.database.name)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(address), pool_size=1)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey for the session, as the URL that Celery takes."""
    layout = Layout(tmp_path_factory.mktemp("vk"))
    layout.make()
    with valkey_driver.start(layout) as child:
        deadline = time.monotonic() + 10
        while state := valkey_driver.probe(layout):
            assert child.poll() is None, state
            assert time.monotonic() < deadline, state
            time.sleep(0.01)
        yield f"redis+socket://{layout.valkey_socket}"


@pytest.fixture
def brokered(settings: Settings, valkey: str) -> Settings:
    """``settings`` with the session's Valkey as the broker."""
    return settings.model_copy(update={"broker": BrokerSettings(url=valkey)})
