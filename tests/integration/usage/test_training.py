"""Training's budget: reserved before a run, spent as it goes, free again when it ends or is silent."""

import pytest
from sqlalchemy import text

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.kit.ids import uuid7
from appliance.usage.errors import OverQuota
from appliance.usage.training import Training
from tests.integration.usage.conftest import Limiting


class Runs:
    """Runs of one user, each act in a transaction of its own, as a worker's."""

    def __init__(self, databases: Databases, principal: Principal) -> None:
        self.databases = databases
        self.principal = principal

    def __call__(self, verb: str, *arguments: object) -> None:
        principal = self.principal
        with self.databases.system.session() as session:
            getattr(Training(session, principal.tenant, principal.user, principal.key), verb)(*arguments)

    def spent(self) -> int:
        with self.databases.system.session() as session:
            return int(session.scalar(text("select coalesce(sum(spent), 0) from quota_windows")) or 0)


@pytest.fixture
def runs(databases: Databases, principal: Principal) -> Runs:
    return Runs(databases, principal)


def test_without_a_limit_nothing_is_kept(runs: Runs) -> None:
    job = uuid7()
    runs("reserve", job, 10**9)
    runs("spend", job, 5)
    runs("end", job)
    assert runs.spent() == 0


def test_two_runs_share_a_month_and_what_one_leaves_the_other_gets(runs: Runs, limit: Limiting) -> None:
    limit(training_seconds_per_month=3_600)
    first, second = uuid7(), uuid7()
    runs("reserve", first, 3_000)
    with pytest.raises(OverQuota) as caught:
        runs("reserve", second, 700)
    assert caught.value.retry_after == 1
    runs("spend", first, 1_000)
    runs("end", first)
    runs("end", first)
    assert runs.spent() == 1_000
    runs("reserve", second, 2_600)
    runs("spend", second, 2_600)
    runs("end", second)
    with pytest.raises(OverQuota, match="3600 are used") as caught:
        runs("reserve", uuid7(), 1)
    assert (caught.value.retry_after or 0) > 1


def test_where_one_limit_refuses_no_other_is_reserved(runs: Runs, limit: Limiting, principal: Principal) -> None:
    limit(training_seconds_per_month=1_000)
    limit("user", principal.user, training_seconds_per_month=100)
    for _ in range(3):
        with pytest.raises(OverQuota):
            runs("reserve", uuid7(), 400)
    runs("reserve", uuid7(), 100)


def test_a_run_that_was_killed_costs_what_it_told(runs: Runs, limit: Limiting, databases: Databases) -> None:
    limit(training_seconds_per_month=1_000)
    job = uuid7()
    runs("reserve", job, 900)
    runs("spend", job, 60)
    with databases.system.session() as session:
        session.execute(text("update quota_leases set expires_at = clock_timestamp() - interval '1 second'"))
    runs("reserve", uuid7(), 940)
    runs("spend", job, 30)  # it was not dead after all: what it used is counted all the same
    assert runs.spent() == 90


def test_a_limit_of_after_the_beginning_counts_from_then_on(runs: Runs, limit: Limiting) -> None:
    job = uuid7()
    runs("reserve", job, 900)
    limit(training_seconds_per_month=1_000)
    runs("spend", job, 60)
    assert runs.spent() == 60
