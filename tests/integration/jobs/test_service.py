"""Asking for jobs, looking at them, cancelling them."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.drivers.broker import MemoryBell
from appliance.jobs.errors import JobNotFound
from appliance.jobs.job import EventKind, JobId
from appliance.jobs.ringing import MOST, ring_after_commit
from appliance.jobs.service import Jobs
from appliance.jobs.states import State
from tests.integration.jobs.work import Tenants


@pytest.fixture
def bell() -> Iterator[MemoryBell]:
    bell = MemoryBell()
    stop = ring_after_commit(bell)
    yield bell
    stop()


def test_a_job_is_rung_for_after_the_commit_and_not_before(
    databases: Databases, tenants: Tenants, bell: MemoryBell
) -> None:
    with databases.app.session(tenants.a) as session:
        job = Jobs(session, tenants.a).ask("count", {"to": 3})
        assert bell.waiting() == 0
    assert bell.hear() == (job,)


def test_a_rollback_leaves_neither_a_job_nor_a_ring(databases: Databases, tenants: Tenants, bell: MemoryBell) -> None:
    jobs = []

    def act() -> None:
        with databases.app.session(tenants.a) as session:
            jobs.append(Jobs(session, tenants.a).ask("count", {}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    assert bell.waiting() == 0
    with databases.app.session(tenants.a) as session, pytest.raises(JobNotFound):
        Jobs(session, tenants.a).one(jobs[0])


def test_a_savepoint_neither_rings_early_nor_loses_the_ring(
    databases: Databases, tenants: Tenants, bell: MemoryBell
) -> None:
    with databases.app.session(tenants.a) as session:
        first = Jobs(session, tenants.a).ask("count", {})
        with session.begin_nested():
            second = Jobs(session, tenants.a).ask("count", {})
        assert bell.waiting() == 0
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            raise ZeroDivisionError
    assert bell.hear() == (first, second)


def test_a_thousand_jobs_ring_few_bells(databases: Databases, tenants: Tenants, bell: MemoryBell) -> None:
    with databases.app.session(tenants.a) as session:
        for number in range(MOST * 3):
            Jobs(session, tenants.a).ask("count", {"number": number})
    assert bell.waiting() == MOST


def test_behind_many_that_wait_none_is_rung_for(databases: Databases, tenants: Tenants, bell: MemoryBell) -> None:
    def ask(tenant: UUID) -> JobId:
        with databases.app.session(tenant) as session:
            return Jobs(session, tenants.of(tenant)).ask("count", {})

    waiting = [ask(tenants.a) for _ in range(MOST + 2)]
    assert list(bell.hear()) == waiting[:MOST], "whoever runs them goes on to the others by itself"
    others = ask(tenants.b)
    assert bell.hear() == (others,), "another tenant's are not counted"
    with databases.system.session() as session:
        session.execute(text("update jobs set not_before = now() + interval '1 hour'"))
    assert bell.hear() == ()
    after = ask(tenants.a)
    assert bell.hear() == (after,), "nobody runs those that were put off"


def test_asking_succeeds_when_the_broker_is_dead(databases: Databases, tenants: Tenants, bell: MemoryBell) -> None:
    bell.alive = False
    with databases.app.session(tenants.a) as session:
        job = Jobs(session, tenants.a).ask("count", {})
    with databases.app.session(tenants.a) as session:
        assert Jobs(session, tenants.a).one(job).state is State.QUEUED


def test_a_key_gives_the_open_job_and_after_its_end_a_new_one(
    databases: Databases, tenants: Tenants, bell: MemoryBell
) -> None:
    def ask(kind: str, tenant: UUID, key: str | None) -> JobId:
        with databases.app.session(tenant) as session:
            return Jobs(session, tenants.of(tenant)).ask(kind, {}, key)

    first = ask("count", tenants.a, "k")
    assert ask("count", tenants.a, "k") == first
    assert bell.hear() == (first,)
    others = {ask("other", tenants.a, "k"), ask("count", tenants.b, "k"), ask("count", tenants.a, None)}
    assert len(others | {first}) == 4
    with databases.app.session(tenants.a) as session:
        Jobs(session, tenants.a).cancel(first)
    assert ask("count", tenants.a, "k") != first


def test_a_waiting_job_is_cancelled_at_once_and_tells_its_ending(databases: Databases, tenants: Tenants) -> None:
    told = []
    with databases.app.session(tenants.a) as session:
        job = Jobs(session, tenants.a).ask("count", {"to": 1})
    with databases.app.session(tenants.a) as session:
        jobs = Jobs(session, tenants.a, {"count": lambda _, ended: told.append((ended.job, ended.state))})
        cancelled = jobs.cancel(job)
        again = jobs.cancel(job)
    assert cancelled.state is again.state is State.CANCELLED
    assert cancelled.finished_at is not None
    assert told == [(job, State.CANCELLED)]
    with databases.app.session(tenants.a) as session:
        events = Jobs(session, tenants.a).events(job)
    assert [(event.kind, event.data["state"]) for event in events] == [
        (EventKind.STATE, "queued"),
        (EventKind.STATE, "cancelled"),
    ]


def test_another_tenants_job_is_not_found_by_any_verb(databases: Databases, tenants: Tenants) -> None:
    with databases.app.session(tenants.a) as session:
        job = Jobs(session, tenants.a).ask("count", {})
    with databases.app.session(tenants.b) as session:
        jobs = Jobs(session, tenants.b)
        assert jobs.list(None, 10).items == ()
        for verb in (jobs.one, jobs.events, jobs.cancel):
            with pytest.raises(JobNotFound):
                verb(job)


def test_jobs_are_listed_newest_first_by_page_state_and_kind(databases: Databases, tenants: Tenants) -> None:
    with databases.app.session(tenants.a) as session:
        jobs = Jobs(session, tenants.a)
        made = [jobs.ask("even" if number % 2 == 0 else "odd", {}) for number in range(5)]
        jobs.cancel(made[0])
    with databases.app.session(tenants.a) as session:
        jobs = Jobs(session, tenants.a)
        first = jobs.list(None, 2)
        second = jobs.list(first.next_cursor, 2)
        third = jobs.list(second.next_cursor, 2)
        assert [job.id for page in (first, second, third) for job in page.items] == made[::-1]
        assert third.next_cursor is None
        assert [job.id for job in jobs.list(None, 9, state=State.CANCELLED).items] == [made[0]]
        assert [job.id for job in jobs.list(None, 9, kind="odd").items] == [made[3], made[1]]


def test_events_resume_after_a_number(databases: Databases, tenants: Tenants) -> None:
    with databases.app.session(tenants.a) as session:
        jobs = Jobs(session, tenants.a)
        job = jobs.ask("count", {})
        jobs.cancel(job)
        first, second = jobs.events(job)
        assert jobs.events(job, after=first.seq) == (second,)
        assert jobs.events(job, after=second.seq) == ()
