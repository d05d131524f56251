"""The step before everything: roles, schema, operator and the CLI's key, whole however often it is begun anew."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.drivers.postgres import Postgres
from appliance.entry import first, schema
from appliance.entry.first import NewerSchema
from appliance.kit.database import Database, address
from appliance.kit.layout import Layout
from appliance.kit.settings import Settings, WebSettings
from tests.integration.conftest import QUICK


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A data directory with a server of its own that nobody has prepared."""
    made = Layout(tmp_path_factory.mktemp("first"))
    made.make()
    server = Postgres(made)
    with server.start(QUICK) as child:
        server.wait(child, 60)
        yield made


@pytest.fixture
def settings(layout: Layout, tmp_path: Path) -> Settings:
    """Settings with an empty model store."""
    return Settings(data=layout.data, models=tmp_path / "no-models", web=WebSettings(port=8123))


def cli(layout: Layout) -> dict[str, str]:
    found: dict[str, str] = json.loads(layout.secret("cli.json").read_text())
    return found


def test_the_first_start_makes_an_operator_and_later_ones_change_nothing(layout: Layout, settings: Settings) -> None:
    sign_in = first.prepare(settings)
    assert sign_in is not None
    kept = cli(layout)
    assert kept["url"] == "http://127.0.0.1:8123"
    assert schema.current(address(settings, "owner")) == schema.head()
    assert first.prepare(settings) is None
    assert cli(layout) == kept
    for path in layout.secrets.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_address_follows_the_settings_and_a_lost_key_is_replaced(layout: Layout, settings: Settings) -> None:
    first.prepare(settings)
    before = cli(layout)["key"]
    moved = settings.model_copy(update={"web": WebSettings(port=8124)})
    first.prepare(moved)
    assert cli(layout) == {"url": "http://127.0.0.1:8124", "key": before}
    layout.secret("cli.json").write_text("torn")
    first.prepare(moved)
    assert cli(layout)["key"] not in (before, "")


def test_an_appliance_whose_first_operator_is_gone_still_starts(layout: Layout, settings: Settings) -> None:
    first.prepare(settings)
    layout.secret("cli.json").unlink()
    server = Postgres(layout)
    rename = "update users set login = replace(login, %s, %s)"
    owner = Database(first.superuser(layout).set(database="appliance"))
    with owner.session() as session:
        session.connection().exec_driver_sql(rename, ("operator", "gone"))
    assert first.prepare(settings) is None
    assert not layout.secret("cli.json").exists()
    with owner.session() as session:
        session.connection().exec_driver_sql(rename, ("gone", "operator"))
    owner.close()
    assert server.host()


def test_a_schema_of_a_newer_version_is_left_alone(layout: Layout, settings: Settings) -> None:
    first.prepare(settings)
    owner = Database.of(settings, "owner")
    with owner.session() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(NewerSchema, match="9999"):
        first.prepare(settings)
    assert run(settings).returncode == 1
    with owner.session() as session:
        session.execute(text("update alembic_version set version_num = :head"), {"head": schema.head()})
    owner.close()


@pytest.mark.counted
def test_as_a_process_it_tells_the_sign_in_over_its_output_alone(layout: Layout, settings: Settings) -> None:
    done = run(settings)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"sign_in": None}
    assert "the models cannot be used" in done.stderr


def run(settings: Settings) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "APPLIANCE_DATA": str(settings.data), "APPLIANCE_MODELS": str(settings.models)}
    command = [sys.executable, "-m", "appliance.entry.first"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_secret_is_made_once_and_never_open(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    made = first.secret(path)
    assert len(made) > 30
    assert first.secret(path) == made
    (tmp_path / "secret.new").write_text("left by a killed run")
    first.write_secret(path, "another")
    assert first.secret(path) == "another"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
