"""Whose job is claimed, when many claim at once."""

import threading

from sqlalchemy import text

from appliance.jobs.job import Job, JobId
from appliance.jobs.leases import Leases
from appliance.jobs.service import Jobs
from tests.factories.processes import until
from tests.integration.jobs.work import Shop, Tenants


def test_a_finished_job_rings_for_the_next_that_may_begin(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    first, second = shop.ask(tenants.a, "noop"), shop.ask(tenants.a, "noop")
    assert shop.bell.waiting() == 0
    lease = shop.runner().run_next()
    assert lease is not None
    assert (lease.job, shop.bell.hear()) == (first, (second,))


def test_a_tenant_has_no_more_running_jobs_than_its_share_and_others_are_not_delayed(
    shop: Shop, tenants: Tenants
) -> None:
    shop.settings = shop.settings.model_copy(update={"running_per_tenant": 2})
    for _ in range(6):
        shop.ask(tenants.a, "noop")
    shop.ask(tenants.b, "noop")

    def claim() -> Job | None:
        with shop.databases.system.session() as session:
            lease = Leases(session).claim("test", ["noop"], 2, 30)
        return None if lease is None else shop.job(lease.tenant, lease.job)

    claimed = [claim() for _ in range(4)]
    assert [job.tenant if job else None for job in claimed] == [tenants.a, tenants.b, tenants.a, None]


def test_claims_in_the_same_moment_never_exceed_a_share_nor_give_one_job_twice(shop: Shop, tenants: Tenants) -> None:
    for _ in range(20):
        shop.ask(tenants.a, "noop")
    got: list[JobId] = []

    def claim() -> None:
        with shop.databases.system.session() as session:
            lease = Leases(session).claim("test", ["noop"], 3, 30)
        if lease is not None:
            got.append(lease.job)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 3


def test_a_cancel_in_the_very_moment_of_a_claim_is_heeded(shop: Shop, tenants: Tenants) -> None:
    shop.registry.add("noop", lambda _: None)
    job = shop.ask(tenants.a, "noop")
    with shop.databases.app.session(tenants.a) as cancelling:
        Jobs(cancelling, tenants.a).cancel(job)
        claims: list[object] = []
        thread = threading.Thread(target=lambda: claims.append(shop.runner().run_next()))
        thread.start()
        until(lambda: waiting_for_a_lock(shop))
    thread.join()
    assert claims == [None]
    assert shop.states(tenants.a, job) == ["queued", "cancelled"]


def waiting_for_a_lock(shop: Shop) -> bool:
    with shop.databases.system.session() as session:
        query = "select count(*) from pg_locks where not granted"
        return bool(session.execute(text(query)).scalar_one())


def test_renewing_tells_of_a_cancel_and_of_a_lease_that_is_another_s(shop: Shop, tenants: Tenants) -> None:
    job = shop.ask(tenants.a, "noop")
    with shop.databases.system.session() as session:
        leases = Leases(session)
        lease = leases.claim("test", ["noop"], 2, 30)
        assert lease is not None
        assert leases.renew(lease, 30) is False
    shop.cancel(tenants.a, job)
    with shop.databases.system.session() as session:
        assert Leases(session).renew(lease, 30) is True
        session.execute(text("update jobs set lease_token = lease_token + 1"))
        assert Leases(session).renew(lease, 30) is None
