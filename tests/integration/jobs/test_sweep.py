"""The sweep: leases taken back, rings for the unheard, the old forgotten."""

import pytest
from sqlalchemy import text

from appliance.jobs.job import Ended
from appliance.jobs.leases import Leases
from appliance.jobs.run import Run
from appliance.jobs.states import State
from appliance.jobs.sweep import Swept
from appliance.kit.errors import Unavailable
from tests.integration.jobs.work import Shop, Tenants


class Killed(BaseException):
    """Ends a run as a kill does: nobody gets to write anything."""


def kill(_: Run) -> None:
    raise Killed


def lose(shop: Shop, *, expire: bool = True) -> None:
    """Run the next job in a worker that dies, and let its lease expire."""
    with pytest.raises(Killed):
        shop.runner().run_next()
    if expire:
        with shop.databases.system.session() as session:
            statement = "update jobs set lease_expires_at = now() - interval '1 second' where state = 'running'"
            session.execute(text(statement))


def test_a_lost_job_goes_back_into_the_queue_and_is_rung_for(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("kill", kill)
    job = shop.ask(tenants.a, "kill")
    lose(shop, expire=False)
    assert shop.sweep().once() == Swept(), "its lease has not expired"
    with shop.databases.system.session() as session:
        session.execute(text("update jobs set lease_expires_at = now() - interval '1 second'"))
    assert shop.sweep().once() == Swept(reclaimed=1, rung=1)
    assert shop.bell.hear() == (job,)
    assert shop.states(tenants.a, job) == ["queued", "running", "queued"]


def test_a_job_that_kills_its_worker_every_time_fails_with_a_clear_reason(shop: Shop, tenants: Tenants) -> None:
    told: list[Ended] = []
    shop.registry.add("kill", kill, ended=lambda _, ended: told.append(ended))
    job = shop.ask(tenants.a, "kill")
    for _ in range(shop.settings.attempts):
        lose(shop)
        shop.sweep().once()
    failed = shop.job(tenants.a, job)
    assert failed.state is State.FAILED
    assert failed.reason is not None
    assert failed.reason.code == "worker_lost"
    assert failed.reason.detail == "the worker was lost 3 times while it ran this job"
    assert [(ended.job, ended.state) for ended in told] == [(job, State.FAILED)]


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("kill", kill)
    job = shop.ask(tenants.a, "kill")
    lose(shop)
    shop.cancel(tenants.a, job)
    assert shop.sweep().once() == Swept(reclaimed=1)
    assert shop.job(tenants.a, job).state is State.CANCELLED


def test_an_ending_that_fails_keeps_neither_its_own_job_nor_others_for_ever(shop: Shop, tenants: Tenants) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError

    shop.registry.add("poison", kill, ended=explode)
    shop.registry.add("kill", kill)
    poison, other = shop.ask(tenants.a, "poison"), shop.ask(tenants.a, "kill")
    lose(shop)
    lose(shop)
    for job in (poison, other):
        shop.cancel(tenants.a, job)
    assert shop.sweep().once() == Swept(reclaimed=2)
    assert {shop.job(tenants.a, job).state for job in (poison, other)} == {State.CANCELLED}


def test_a_holder_that_was_only_late_keeps_its_lease(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("kill", kill)
    job = shop.ask(tenants.a, "kill")
    lose(shop)
    with shop.databases.system.session() as session:
        (lease,) = Leases(session).expired(9)
        session.execute(text("update jobs set lease_expires_at = now() + interval '1 minute'"))
    assert shop.sweep()._reclaim(lease) is False
    assert shop.job(tenants.a, job).state is State.RUNNING


def test_jobs_asked_for_while_the_broker_was_dead_are_rung_for_on_its_return(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    shop.bell.alive = False
    job = shop.ask(tenants.a, "noop")
    assert shop.sweep().once() == Swept()
    shop.bell.alive = True
    assert shop.sweep().once() == Swept(rung=1)
    assert shop.bell.hear() == (job,)


def test_rings_never_pile_up_behind_busy_workers(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    for _ in range(9):
        shop.ask(tenants.a, "noop")
    for _ in range(5):
        shop.sweep().once()
    assert shop.bell.waiting() == shop.settings.running_per_tenant


def test_the_next_sweep_comes_when_a_job_that_was_put_off_is_due(shop: Shop, tenants: Tenants) -> None:
    def wait(_: Run) -> None:
        raise Unavailable(retry_after=3)

    shop.registry.add("wait", wait)
    assert shop.sweep().pause() == shop.settings.sweep_seconds
    job = shop.ask(tenants.a, "wait")
    shop.runner().run_next()
    assert shop.sweep().once() == Swept()
    assert 1 < shop.sweep().pause() < 3.1
    with shop.databases.system.session() as session:
        session.execute(text("update jobs set not_before = now()"))
    assert shop.sweep().once() == Swept(rung=1)
    assert shop.bell.hear() == (job,)


def test_one_sweeps_at_a_time(shop: Shop, tenants: Tenants) -> None:
    with shop.databases.system.session() as session:
        assert Leases(session).sweeping()
        assert shop.sweep().once() is None
    assert shop.sweep().once() == Swept()


def test_ended_jobs_and_old_events_are_forgotten_when_their_time_is_over(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    old, young, waiting = (shop.ask(tenants.a, "noop") for _ in range(3))
    shop.runner().run_next()
    shop.runner().run_next()
    with shop.databases.system.session() as session:
        session.execute(text("update jobs set finished_at = now() - interval '91 days' where id = :id"), {"id": old})
        session.execute(
            text(
                "insert into job_events (tenant_id, job_id, kind, created_at)"
                " values (:tenant, :job, 'log', now() - interval '31 days')"
            ),
            {"tenant": tenants.a, "job": waiting},
        )
    with shop.databases.system.session() as session:
        assert shop.sweep().once() is not None
        left = session.execute(text("select id from jobs order by id")).scalars().all()
        events = session.execute(text("select distinct job_id from job_events order by 1")).scalars().all()
    assert left == events == [young, waiting]
    assert shop.states(tenants.a, waiting) == ["queued"]
    assert len(shop.events(tenants.a, waiting)) == 1
