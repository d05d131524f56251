"""Migrations go up, down and up again, and agree with the tables in code."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, create_engine, text

from appliance.entry import migrating, schema
from tests.integration.conftest import Cluster


@pytest.fixture
def empty(postgres: Cluster) -> Iterator[URL]:
    name = f"test_{secrets.token_hex(6)}"
    postgres.create(name, "template_empty")
    yield postgres.url("owner", name)
    postgres.drop(name)


def test_up_down_up(empty: URL) -> None:
    assert schema.current(empty) is None
    migrating.upgrade(empty)
    migrating.check(empty)
    migrating.downgrade(empty, "base")
    engine = create_engine(empty)
    with engine.connect() as connection:
        left = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        assert left == ["alembic_version"]
    engine.dispose()
    migrating.upgrade(empty)
    assert schema.current(empty) == schema.head()


def test_a_revision_of_the_future_is_not_known() -> None:
    assert schema.known(schema.head())
    assert not schema.known("9999")


def test_making_the_roles_again_changes_passwords_and_nothing_else(postgres: Cluster) -> None:
    server = postgres.server.layout.secret("postgres-superuser").read_text()
    superuser = postgres.url("owner", "postgres").set(username="postgres", password=server)
    schema.create_roles(superuser, postgres.passwords, "template_empty")
    engine = create_engine(postgres.url("app", "template_empty"))
    with engine.connect() as connection:
        assert connection.execute(text("select current_user")).scalar_one() == "appliance_app"
    engine.dispose()
