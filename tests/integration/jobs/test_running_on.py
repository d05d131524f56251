"""From job to job without a bell, and the last write of a job, which is its end too."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

from sqlalchemy import func, select, text

from appliance.jobs.job import Ended
from appliance.jobs.leases import CLAIM_LOCK
from appliance.jobs.pulse import Surroundings
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.jobs.states import State
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings
from tests.integration.jobs.work import Shop, Tenants


def test_a_worker_that_was_rung_for_goes_on_to_the_next_job_without_a_bell(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    jobs = [shop.ask(tenants.a, "noop") for _ in range(3)]
    assert shop.runner().run_on() == 3
    assert {shop.job(tenants.a, job).state for job in jobs} == {State.SUCCEEDED}
    assert (shop.bell.waiting(), shop.runner().run_on()) == (0, 0)


def test_when_its_time_is_over_it_rings_for_the_rest(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    _first, second = shop.ask(tenants.a, "noop"), shop.ask(tenants.a, "noop")
    assert shop.runner().run_on(seconds=0) == 1
    assert shop.bell.hear() == (second,)


def test_a_worker_that_is_being_stopped_begins_no_further_job(shop: Shop, tenants: Tenants) -> None:
    stopping = []
    shop.registry.add("noop", lambda _: stopping.append(True))
    _first, second = shop.ask(tenants.a, "noop"), shop.ask(tenants.a, "noop")
    assert shop.runner(around=Surroundings(stopping=lambda: bool(stopping))).run_on() == 1
    assert shop.job(tenants.a, second).state is State.QUEUED


def test_who_stands_in_line_for_a_claim_waits_longer_than_for_other_locks(
    shop: Shop, tenants: Tenants, settings: Settings
) -> None:
    shop.registry.add("noop", lambda _: None)
    shop.ask(tenants.a, "noop")
    since = text("select count(*) from pg_locks where waitstart < clock_timestamp() - interval '200 ms'")
    with closing(Database(address(settings, "system"), timeouts=(30_000, 50))) as hasty, ThreadPoolExecutor() as pool:
        with shop.databases.system.session() as first:
            first.execute(select(func.pg_advisory_xact_lock(CLAIM_LOCK)))
            ran = pool.submit(replace(shop.runner(), system=hasty).run_on)
            while not first.execute(since).scalar_one():
                assert not ran.done()
        assert ran.result(30) == 1


def test_the_last_write_of_a_job_is_its_end_too(shop: Shop, tenants: Tenants) -> None:
    told: list[Ended] = []

    def write(run: Run) -> dict[str, int]:
        with run.last({"written": 1}) as session:
            Jobs(session, run.tenant).ask("other", {})
        return {"written": 1}

    shop.registry.add("write", write, ended=lambda _, ended: told.append(ended))
    job = shop.ask(tenants.a, "write")
    shop.runner().run_next()
    found = shop.job(tenants.a, job)
    assert (found.state, found.result, found.tries.attempts) == (State.SUCCEEDED, {"written": 1}, 1)
    assert found.finished_at is not None
    assert shop.states(tenants.a, job) == ["queued", "running", "succeeded"]
    assert [ended.state for ended in told] == [State.SUCCEEDED]


def test_a_last_write_that_fails_leaves_neither_what_it_wrote_nor_an_end(shop: Shop, tenants: Tenants) -> None:
    def write(run: Run) -> None:
        with run.last({}) as session:
            Jobs(session, run.tenant).ask("other", {})
            raise ZeroDivisionError

    shop.registry.add("write", write)
    job = shop.ask(tenants.a, "write")
    shop.runner().run_next()
    assert shop.job(tenants.a, job).state is State.QUEUED
    with shop.databases.app.session(tenants.a) as session:
        assert [one.kind for one in Jobs(session, tenants.a).list(None, 10).items] == ["write"]


def test_a_last_write_of_a_run_that_lost_its_lease_is_refused(shop: Shop, tenants: Tenants) -> None:
    def write(run: Run) -> None:
        with shop.databases.system.session() as session:
            session.execute(text("update jobs set lease_token = lease_token + 1"))
        with run.last({}) as session:
            Jobs(session, run.tenant).ask("other", {})

    shop.registry.add("write", write)
    job = shop.ask(tenants.a, "write")
    assert shop.runner().run_next() is not None
    assert shop.job(tenants.a, job).state is State.RUNNING
    with shop.databases.app.session(tenants.a) as session:
        assert [one.kind for one in Jobs(session, tenants.a).list(None, 10).items] == ["write"]
