"""Running a job under its lease."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from appliance.jobs.job import Ended, EventKind, JobId
from appliance.jobs.leases import Leases
from appliance.jobs.pulse import Pulse, Surroundings
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.jobs.states import State
from appliance.kit.errors import LeaseLost, TooLarge, Unavailable
from tests.factories.processes import until
from tests.integration.jobs.work import Shop, Tenants


def test_a_job_runs_and_its_result_progress_and_events_are_kept_in_order(shop: Shop, tenants: Tenants) -> None:
    def count(run: Run) -> dict[str, int]:
        run.log("counting", to=run.args["to"])
        for number in range(run.args["to"] + 1):
            run.progress(number, run.args["to"], "counting")
        run.metric("speed", 2.5, step=1)
        return {"counted": run.args["to"]}

    shop.registry.add("count", count)
    job = shop.ask(tenants.a, "count", {"to": 50})
    lease = shop.runner().run_next()
    assert lease is not None
    assert (lease.job, lease.token, shop.runner().run_next()) == (job, 1, None)
    ended = shop.job(tenants.a, job)
    assert (ended.state, ended.result) == (State.SUCCEEDED, {"counted": 50})
    assert (ended.progress.done, ended.progress.total, ended.progress.stage) == (50, 50, "counting")
    assert ended.started_at is not None
    assert ended.finished_at is not None
    events = shop.events(tenants.a, job)
    kinds = [event.kind for event in events]
    assert kinds[:3] == [EventKind.STATE, EventKind.STATE, EventKind.LOG]
    assert kinds[-3:] == [EventKind.PROGRESS, EventKind.METRIC, EventKind.STATE]
    assert kinds.count(EventKind.PROGRESS) < 10
    assert shop.states(tenants.a, job) == ["queued", "running", "succeeded"]
    assert [event.seq for event in events] == sorted(event.seq for event in events)
    assert events[-2].data == {"name": "speed", "value": 2.5, "step": 1}


def test_without_work_or_while_stopping_nothing_is_claimed(shop: Shop, tenants: Tenants) -> None:
    assert shop.runner().run_next() is None
    shop.registry.add("noop", lambda _: None)
    job = shop.ask(tenants.a, "noop")
    assert shop.runner(around=Surroundings(stopping=lambda: True)).run_next() is None
    assert shop.job(tenants.a, job).state is State.QUEUED


def test_a_kind_that_this_worker_does_not_know_waits_for_another(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    job = shop.ask(tenants.a, "of a newer version")
    assert shop.runner().run_next() is None
    assert shop.job(tenants.a, job).state is State.QUEUED


def test_an_error_with_a_lasting_reason_fails_the_job_and_tells_its_ending(shop: Shop, tenants: Tenants) -> None:
    told: list[Ended] = []

    def refuse(_: Run) -> None:
        message = "200 MB"
        raise TooLarge(message)

    shop.registry.add("big", refuse, ended=lambda _, ended: told.append(ended))
    job = shop.ask(tenants.a, "big", {"name": "x"})
    shop.runner().run_next()
    failed = shop.job(tenants.a, job)
    assert failed.state is State.FAILED
    assert failed.reason is not None
    assert (failed.reason.code, failed.reason.detail, failed.reason.advice) == ("too_large", "200 MB", TooLarge.advice)
    assert told == [Ended(job, tenants.a, "big", {"name": "x"}, State.FAILED, failed.reason)]
    last = shop.events(tenants.a, job)[-1].data
    assert (last["code"], last["advice"]) == ("too_large", TooLarge.advice)


def test_an_unexpected_error_is_tried_again_with_a_pause_until_attempts_are_used_up(
    shop: Shop, tenants: Tenants
) -> None:
    def crash(run: Run) -> None:
        raise KeyError(run.attempt)

    shop.registry.add("crash", crash)
    job = shop.ask(tenants.a, "crash")
    for _ in range(shop.settings.attempts):
        lease = shop.runner().run_next()
        assert lease is not None
        assert shop.runner().run_next() is None, "it pauses before the next attempt"
        forget_pause(shop)
    failed = shop.job(tenants.a, job)
    assert (failed.state, failed.tries.attempts) == (State.FAILED, 3)
    assert failed.reason is not None
    assert failed.reason.detail == "KeyError: 3"


def forget_pause(shop: Shop) -> None:
    with shop.databases.system.session() as session:
        session.execute(text("update jobs set not_before = null"))


def test_passing_trouble_puts_the_job_off_without_using_up_an_attempt(shop: Shop, tenants: Tenants) -> None:
    ready = threading.Event()

    def encode(_: Run) -> None:
        if not ready.is_set():
            message = "the encoder is loading"
            raise Unavailable(message)

    shop.registry.add("encode", encode)
    job = shop.ask(tenants.a, "encode")
    for _ in range(shop.settings.attempts + 2):
        shop.runner().run_next()
        forget_pause(shop)
    waiting = shop.job(tenants.a, job)
    assert (waiting.state, waiting.tries.attempts, waiting.tries.deferrals) == (State.QUEUED, 0, 5)
    ready.set()
    shop.runner().run_next()
    assert shop.job(tenants.a, job).state is State.SUCCEEDED


def test_a_running_job_meets_its_cancel_at_the_next_poll(shop: Shop, tenants: Tenants) -> None:
    shop.settings = shop.settings.model_copy(update={"lease_seconds": 0.06})
    polled = threading.Event()

    def long(run: Run) -> None:
        shop.cancel(tenants.a, run.job)
        until(run.cancelled)
        polled.set()
        run.progress(1, 2, "never told")

    shop.registry.add("long", long)
    job = shop.ask(tenants.a, "long")
    shop.runner().run_next()
    assert polled.is_set()
    cancelled = shop.job(tenants.a, job)
    assert (cancelled.state, cancelled.progress.stage) == (State.CANCELLED, None)
    assert shop.states(tenants.a, job) == ["queued", "running", "running", "cancelled"]
    assert shop.cancel(tenants.a, job).state is State.CANCELLED


def test_a_worker_that_is_stopped_gives_its_job_back_unharmed(shop: Shop, tenants: Tenants) -> None:
    stopping = threading.Event()

    def long(run: Run) -> None:
        stopping.set()
        until(run.cancelled)
        run.check()

    shop.registry.add("long", long)
    job = shop.ask(tenants.a, "long")
    shop.runner(around=Surroundings(stopping=stopping.is_set)).run_next()
    back = shop.job(tenants.a, job)
    assert (back.state, back.tries.attempts, back.reason) == (State.QUEUED, 0, None)


def test_a_result_of_a_run_that_lost_its_lease_is_refused_at_every_door(shop: Shop, tenants: Tenants) -> None:
    """The zombie: a worker that was only frozen comes back after another took its job over."""
    refused: list[str] = []

    def attempt(run: Run) -> dict[str, str]:
        if run.attempt > 1:
            with run.transaction() as session:
                run.jobs(session).ask("after", {"by": "second"})
            return {"by": "second"}
        expire(shop)
        assert shop.sweep().once() is not None
        other = shop.runner("other").run_next()
        assert other is not None
        assert other.token > run.lease.token
        for door, act in doors(run).items():
            try:
                act()
            except LeaseLost:
                refused.append(door)
        return {"by": "zombie"}

    shop.registry.add("work", attempt)
    job = shop.ask(tenants.a, "work")
    shop.runner("first").run_next()
    assert refused == ["log", "progress", "metric", "transaction"]
    ended = shop.job(tenants.a, job)
    assert (ended.state, ended.result, ended.tries.attempts) == (State.SUCCEEDED, {"by": "second"}, 2)
    assert shop.states(tenants.a, job) == ["queued", "running", "queued", "running", "succeeded"]
    with shop.databases.app.session(tenants.a) as session:
        after = Jobs(session, tenants.a).list(None, 9, kind="after").items
    assert [job.args for job in after] == [{"by": "second"}]


def doors(run: Run) -> dict[str, Callable[[], None]]:
    def write() -> None:
        with run.transaction() as session:
            run.jobs(session).ask("after", {"by": "zombie"})

    return {
        "log": lambda: run.log("zombie"),
        "progress": lambda: run.progress(1, 1, "zombie"),
        "metric": lambda: run.metric("zombie", 1),
        "transaction": write,
    }


def expire(shop: Shop) -> None:
    with shop.databases.system.session() as session:
        session.execute(text("update jobs set lease_expires_at = now() - interval '1 second' where state = 'running'"))


def test_a_lost_lease_that_the_heart_noticed_stops_the_handler(shop: Shop, tenants: Tenants) -> None:
    shop.settings = shop.settings.model_copy(update={"lease_seconds": 0.06})
    stopped = []

    def long(run: Run) -> None:
        with shop.databases.system.session() as session:
            session.execute(text("update jobs set lease_token = lease_token + 1"))
        until(run.cancelled)
        try:
            run.check()
        except LeaseLost:
            stopped.append(run.job)
            raise

    shop.registry.add("long", long)
    job = shop.ask(tenants.a, "long")
    shop.runner().run_next()
    assert stopped == [job]
    assert shop.job(tenants.a, job).state is State.RUNNING


def test_a_long_job_keeps_its_lease_by_its_heartbeat(shop: Shop, tenants: Tenants) -> None:
    shop.settings = shop.settings.model_copy(update={"lease_seconds": 0.3})

    def expiry(job: JobId) -> object:
        with shop.databases.system.session() as session:
            return session.execute(text("select lease_expires_at from jobs where id = :id"), {"id": job}).scalar_one()

    def long(run: Run) -> None:
        seen: list[object] = []

        def renewed() -> bool:
            seen.append(expiry(run.job))
            return len(set(seen)) > 4

        until(renewed)
        assert shop.sweep().once() is not None

    shop.registry.add("long", long)
    job = shop.ask(tenants.a, "long")
    shop.runner().run_next()
    assert shop.states(tenants.a, job) == ["queued", "running", "succeeded"]


def test_the_end_of_a_job_and_its_meaning_are_written_together_or_not_at_all(shop: Shop, tenants: Tenants) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError

    shop.registry.add("noop", lambda _: None, ended=explode)
    job = shop.ask(tenants.a, "noop")
    with pytest.raises(ZeroDivisionError):
        shop.runner().run_next()
    assert shop.job(tenants.a, job).state is State.RUNNING, "the lease will expire and the sweep will end it"


def test_a_job_that_was_deleted_while_it_ran_ends_quietly(shop: Shop, tenants: Tenants) -> None:
    def forget(run: Run) -> None:
        with shop.databases.app.session(run.tenant) as session:
            session.execute(text("delete from jobs"))

    shop.registry.add("forget", forget)
    shop.ask(tenants.a, "forget")
    assert shop.runner().run_next() is not None


def test_progress_is_told_seldom_however_often_it_is_made(shop: Shop, tenants: Tenants) -> None:
    shop.ask(tenants.a, "noop")
    with shop.databases.system.session() as session:
        lease = Leases(session).claim("test", ["noop"], 2, 30)
    assert lease is not None
    run = Run(lease, shop.databases.app, Pulse())
    run.progress(1, 9)
    run.progress(1, 9)
    run.progress(2, 9)
    assert [event.data.get("done") for event in shop.events(tenants.a, lease.job) if event.kind == "progress"] == [1]
