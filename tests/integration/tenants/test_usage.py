"""Usage reaches the database once, whatever happens on the way."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.tenants.service import Tenants
from appliance.usage.journal import Journal, UsageRecord
from appliance.usage.service import Usage


def _record(tenant: UUID) -> UsageRecord:
    return UsageRecord(uuid7(), tenant, uuid7(), None, "default", "d", None, "done", 5, 7, None, 1.0, clock.now())


@pytest.fixture
def tenant(databases: Databases) -> UUID:
    with databases.operator.session() as session:
        return Tenants(session).create("one").id


def _count(databases: Databases, tenant: UUID) -> int:
    with databases.app.session(tenant) as session:
        return int(session.execute(text("select count(*) from usage_records")).scalar_one())


def test_records_are_drained_once_even_from_a_file_seen_twice(
    databases: Databases, settings: Settings, tenant: UUID
) -> None:
    directory = settings.layout.journal
    usage = Usage(directory, databases.system)
    for _ in range(3):
        usage.record(_record(tenant))
    usage._journal.finish()
    (path,) = directory.iterdir()
    copy = path.read_bytes()
    assert usage.drain() == 3
    Path(directory / "again.jsonl").write_bytes(copy)  # as after a crash between the commit and the removal
    assert usage.drain() == 3
    assert _count(databases, tenant) == 3
    assert list(directory.iterdir()) == []


def test_another_process_s_open_file_is_left_to_it(databases: Databases, settings: Settings, tenant: UUID) -> None:
    other = Journal(settings.layout.journal)
    other.write(_record(tenant))
    usage = Usage(settings.layout.journal, databases.system)
    assert usage.drain() == 0
    other.finish()
    assert usage.drain() == 1


def test_the_drainer_runs_in_the_background_and_once_more_at_the_end(
    databases: Databases, settings: Settings, tenant: UUID
) -> None:
    usage = Usage(settings.layout.journal, databases.system, pause=0.01)
    usage.start()
    usage.record(_record(tenant))
    usage.stop()
    assert _count(databases, tenant) == 1


def test_while_the_database_is_down_records_stay_in_the_journal(databases: Databases, settings: Settings) -> None:
    nowhere = Database(databases.system.engine.url.set(query={"host": str(settings.data)}))
    usage = Usage(settings.layout.journal, nowhere)
    usage.record(_record(uuid7()))
    usage._try()
    assert len(list(settings.layout.journal.iterdir())) == 1
    usage.stop()
    assert Usage(settings.layout.journal, databases.system).drain() == 1


def test_a_record_of_a_tenant_that_is_gone_does_not_hold_up_the_others(
    databases: Databases, settings: Settings, tenant: UUID
) -> None:
    usage = Usage(settings.layout.journal, databases.system)
    for owner in (uuid7(), tenant):
        usage.record(_record(owner))
    assert usage.drain() == 2
    assert _count(databases, tenant) == 1
