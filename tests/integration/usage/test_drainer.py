"""The process that drains beside web: each record reaches the database once, whoever is killed meanwhile."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.entry.drainer import Beside
from appliance.kit.priority import BEHIND
from appliance.kit.settings import Settings
from appliance.usage.draining import Drainer
from appliance.usage.journal import Journal
from appliance.usage.service import Usage
from tests.factories.processes import until
from tests.integration.usage.working import record


@pytest.fixture
def beside(settings: Settings) -> Iterator[Beside]:
    """Not started yet."""
    env = {
        **os.environ,
        "APPLIANCE_DATA": str(settings.data),
        "APPLIANCE_DATABASE__NAME": settings.database.name,
    }
    made = Beside(settings, env)
    yield made
    made.stop()


def write(journal: Journal, principal: Principal, count: int) -> None:
    """So many records, as web does; by itself nobody here drains."""
    for _ in range(count):
        journal.write(record(principal, 5))
    journal.finish()


def taken(settings: Settings, databases: Databases) -> bool:
    """Whether another has the turn to drain."""
    drainer = Drainer(settings.layout.journal, databases.system)
    if drainer.take():
        drainer.let_go()
        return False
    return True


def counted(databases: Databases, tenant: UUID) -> tuple[int, int]:
    """Records, and inferences in the audit."""
    with databases.app.session(tenant) as session:
        records = session.scalar(text("select count(*) from usage_records"))
    with databases.operator.session() as session:
        query = text("select count(*) from audit_entries where action = 'inference' and tenant_id = :tenant")
        return int(records or 0), int(session.scalar(query, {"tenant": tenant}) or 0)


def waits(pid: int) -> bool:
    """Whether a process's group gets its turn after those of usual processes."""
    return Path(f"/proc/{pid}/autogroup").read_text().endswith(f" nice {BEHIND}\n")


def kill(beside: Beside) -> None:
    """As the kernel does where memory is short."""
    assert beside.child is not None
    os.kill(beside.child.pid, signal.SIGKILL)


def test_it_drains_what_web_writes_and_what_is_left_when_it_is_told_to_stop(
    settings: Settings, databases: Databases, principal: Principal, beside: Beside
) -> None:
    journal = Journal(settings.layout.journal)
    beside.start()
    until(lambda: taken(settings, databases), 60)
    write(journal, principal, 1)
    until(lambda: counted(databases, principal.tenant) == (1, 1), 20)
    write(journal, principal, 1)
    beside.stop()
    assert counted(databases, principal.tenant) == (2, 2)
    assert list(settings.layout.journal.iterdir()) == []


def test_it_waits_behind_those_who_answer_and_so_does_its_connection(
    settings: Settings, databases: Databases, principal: Principal, beside: Beside
) -> None:
    if not Path("/proc/self/autogroup").exists():
        pytest.skip("this kernel groups no processes by session")
    beside.start()
    until(lambda: taken(settings, databases), 60)
    write(Journal(settings.layout.journal), principal, 1)
    until(lambda: counted(databases, principal.tenant) == (1, 1), 20)
    assert beside.child is not None
    assert waits(beside.child.pid)
    with databases.operator.session() as session:
        query = "select pid, usename from pg_stat_activity where datname = current_database()"
        served = [(name, waits(pid)) for pid, name in session.execute(text(query))]
    assert [name for name, last in served if last] == ["appliance_system"]


def test_web_drains_by_itself_while_it_is_not_there_and_not_while_it_is(
    settings: Settings, databases: Databases, principal: Principal
) -> None:
    usage = Usage(settings.layout.journal, databases.system)
    other = Drainer(settings.layout.journal, databases.system)
    assert other.take()
    usage.record(record(principal, 5))
    usage._try()
    assert counted(databases, principal.tenant) == (0, 0)
    other.let_go()
    usage._try()
    assert counted(databases, principal.tenant) == (1, 1)
    assert other.take()


def test_killed_again_and_again_it_comes_back_and_each_record_counts_once(
    settings: Settings, databases: Databases, principal: Principal, beside: Beside
) -> None:
    journal = Journal(settings.layout.journal)
    beside.start()
    for _ in range(3):
        until(lambda: taken(settings, databases), 60)
        former = beside.child
        for _ in range(10):
            write(journal, principal, 20)
        kill(beside)
        until(lambda former=former: beside.child is not former, 60)  # type: ignore[misc] # bound now
    until(lambda: counted(databases, principal.tenant) == (600, 600), 60)
