"""kill -9 in the course of a collection's import: who takes it over goes on, and nothing is there twice or in part."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.drivers.blobs import STAGING
from appliance.drivers.broker import MemoryBell
from appliance.jobs.states import State
from appliance.jobs.sweep import Sweep
from appliance.kit import staging
from appliance.kit.settings import JobSettings, Settings
from tests.factories import archives
from tests.factories.processes import until
from tests.integration.knowledge.carrying import ask, collections, rows, waiting
from tests.integration.knowledge.office import Office

ROOT = Path(__file__).parents[3]


def killed(office: Office, settings: Settings, step: str, times: int) -> None:
    """A worker runs the job and is killed."""
    environment = {
        **os.environ,
        "APPLIANCE_DATA": str(settings.data),
        "APPLIANCE_DATABASE__NAME": settings.database.name,
        "APPLIANCE_JOBS__LEASE_SECONDS": "2",
    }
    program = [sys.executable, "-m", "tests.integration.knowledge.importer_that_dies"]
    argv = [*program, str(office.root), str(office.shelf.root), step, str(times)]
    done = subprocess.run(argv, env=environment, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -9


def taken_over(office: Office) -> None:
    """What the killed worker had is the next one's to do."""
    pools = office.databases
    sweep = Sweep(pools.system, pools.app, office.registry, MemoryBell(), JobSettings(attempts=2))
    until(lambda: (done := sweep.once()) is not None and done.reclaimed == 1, 15)


def counts(office: Office, *tables: str) -> list[int]:
    with office.databases.app.session(office.me.tenant) as session:
        return [session.execute(text(f"select count(*) from {table}")).scalar_one() for table in tables]  # noqa: S608 - our own names


@pytest.mark.parametrize(
    ("step", "times", "there"),
    [("staging", 1, 0), ("torn", 2, 1), ("kept", 1, 0), ("kept", 2, 1), ("taken", 1, 1), ("taken", 2, 2)],
)
def test_an_import_that_is_killed_goes_on_and_nothing_is_doubled_or_halved(
    office: Office, settings: Settings, step: str, times: int, there: int
) -> None:
    job = ask(office, archives.archive(), "hall", office.me)
    killed(office, settings, step, times)
    assert office.job(job).state is State.RUNNING
    assert len(rows(office, job)) == there, "each document is there with all that is its own, or not at all"
    assert office.names("pump valve") == [], "nothing is found that was not read"
    assert len(waiting(office)) == 1

    taken_over(office)
    office.settle()
    assert office.job(job).state is State.SUCCEEDED
    found = {name: (row.state, row.tags) for name, row in rows(office, job).items()}
    assert found == {"pump.txt": ("ready", ["hall 4"]), "valve.txt": ("ready", [])}
    assert collections(office) == {"handbook", "hall"}
    assert counts(office, "documents", "revisions", "batches") == [2, 2, 1]
    assert office.points() == office.chunks()
    assert sorted(office.names("pump valve")) == ["pump.txt", "valve.txt"]
    with office.databases.app.session(office.me.tenant) as session:
        counted = text("select documents from quota_stock_sums where subject_id = tenant_id")
        assert session.execute(counted).scalar_one() == 2
    staging.sweep(office.root / STAGING)
    assert office.files() == {archives.digest(archives.PUMP), archives.digest(archives.VALVE)}
    assert waiting(office) == []


def test_an_import_that_is_killed_and_then_cancelled_keeps_what_it_took_and_no_archive_for_long(
    office: Office, settings: Settings
) -> None:
    job = ask(office, archives.archive(), "hall", office.me)
    killed(office, settings, "kept", 2)
    with office.databases.system.session() as session:
        session.execute(text("update jobs set cancel_requested = true where id = :job"), {"job": job})
    pools = office.databases
    sweep = Sweep(pools.system, pools.app, office.registry, MemoryBell(), JobSettings(attempts=2))
    until(lambda: sweep.once() is not None and office.job(job).state is State.CANCELLED, 15)
    office.settle()
    assert {name: row.state for name, row in rows(office, job).items()} == {"pump.txt": "ready"}
    assert office.names("pump valve") == ["pump.txt"]
