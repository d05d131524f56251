"""Budgets in one process: what is reserved, settled, given back, refused, and what is told with a refusal."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.drivers.stopwatch import MemoryStopwatch, ValkeyStopwatch
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.usage import connect
from appliance.usage.budgets import Budgets
from appliance.usage.errors import OverQuota, QuotaUnknown
from appliance.usage.journal import UsageRecord
from appliance.usage.keeper import Keeper
from appliance.usage.reservation import Reservation, Wanted
from tests.integration.usage.conftest import Limiting
from tests.integration.usage.working import record


def ask(budgets: Budgets, principal: Principal, least: int, most: int | None = None) -> Reservation:
    wanted = Wanted(least, most or least)
    return budgets.quick(principal, wanted) or budgets.reserve(principal, wanted)


def test_without_a_quota_nothing_is_counted_and_after_a_first_look_nothing_asked(
    budgets: Budgets, principal: Principal
) -> None:
    assert budgets.quick(principal, Wanted(1, 1)) is None
    reservation = budgets.reserve(principal, Wanted(10, 500))
    assert reservation.granted == 500
    again = budgets.quick(principal, Wanted(10, 500))
    assert again is not None
    again.settle(3)
    again.release()
    assert not again.charges
    assert list(budgets.lines()) == []


def test_a_block_serves_many_requests_without_a_store(
    budgets: Budgets, principal: Principal, limit: Limiting, databases: Databases
) -> None:
    limit(tokens_per_day=16_000, requests_per_minute=1_600)
    first = ask(budgets, principal, 10)
    first.settle(10)
    for _ in range(50):
        found = budgets.quick(principal, Wanted(10, 10))
        assert found is not None
        found.settle(10)
        found.release()


def test_each_of_the_caller_s_limits_holds(budgets: Budgets, principal: Principal, limit: Limiting) -> None:
    limit(tokens_per_day=1_000)
    limit("user", principal.user, tokens_per_day=500)
    limit("key", principal.key, tokens_per_day=100)
    ask(budgets, principal, 100)
    with pytest.raises(OverQuota) as caught:
        ask(budgets, principal, 1)
    told = caught.value.extra["quota"]
    assert isinstance(told, dict)
    assert (told["kind"], told["measure"], told["limit"], told["used"]) == ("key", "tokens_per_day", 100, 100)


def test_a_refused_request_takes_nothing_of_the_limits_that_it_would_have_passed(
    budgets: Budgets, principal: Principal, limit: Limiting
) -> None:
    limit(requests_per_minute=10)
    limit("key", principal.key, tokens_per_day=5)
    for _ in range(20):
        with pytest.raises(OverQuota, match="tokens per day"):
            ask(budgets, principal, 6)
    ask(budgets, principal, 5)


def test_a_refusal_says_when_the_day_of_the_tenant_ends(
    budgets: Budgets, principal: Principal, limit: Limiting, databases: Databases
) -> None:
    with databases.operator.session() as session:
        session.execute(text("""update tenants set settings = '{"time_zone": "Asia/Shanghai"}'"""))
    limit(tokens_per_day=5)
    with pytest.raises(OverQuota) as caught:
        ask(budgets, principal, 6)
    told = caught.value.extra["quota"]
    assert isinstance(told, dict)
    resets = datetime.fromisoformat(told["resets_at"])
    assert (resets.astimezone(UTC).hour, resets.minute) == (16, 0)
    assert timedelta(0) < resets - clock.now() <= timedelta(days=1)
    assert caught.value.retry_after is not None
    assert abs(caught.value.retry_after - (resets - clock.now()).total_seconds()) < 60


def test_who_names_no_length_gets_what_is_left(budgets: Budgets, principal: Principal, limit: Limiting) -> None:
    limit(tokens_per_month=300)
    assert ask(budgets, principal, 50, 4_000).granted == 300
    with pytest.raises(OverQuota) as caught:
        ask(budgets, principal, 50, 4_000)
    assert caught.value.retry_after == 1  # it is reserved, not used: whoever runs may give it back


def test_slots_are_free_again_when_the_request_ends(budgets: Budgets, principal: Principal, limit: Limiting) -> None:
    limit(concurrent_requests=2)
    running = [ask(budgets, principal, 1), ask(budgets, principal, 1)]
    with pytest.raises(OverQuota, match="concurrent requests") as caught:
        ask(budgets, principal, 1)
    assert caught.value.retry_after == 1
    running[0].settle(1)
    with pytest.raises(OverQuota):
        ask(budgets, principal, 1)
    running[0].release()
    ask(budgets, principal, 1)


def test_an_engine_that_never_took_the_request_costs_no_tokens(
    budgets: Budgets, principal: Principal, limit: Limiting
) -> None:
    limit(tokens_per_day=10)
    for _ in range(3):
        ask(budgets, principal, 10).release()
    ask(budgets, principal, 10)


def test_what_one_worker_leaves_idle_another_gets(
    budgets: Budgets, databases: Databases, stopwatch: MemoryStopwatch, principal: Principal, limit: Limiting
) -> None:
    limit(tokens_per_day=100, requests_per_minute=1, concurrent_requests=1)
    other = connect.budgets(databases.system, stopwatch)
    reservation = ask(budgets, principal, 100)
    reservation.cancel()
    with pytest.raises(OverQuota):
        ask(other, principal, 100)
    Keeper(budgets).give_back(0.0)
    ask(other, principal, 100)


def test_the_keeper_renews_leases_and_reads_changed_limits(
    budgets: Budgets, databases: Databases, principal: Principal, limit: Limiting
) -> None:
    limit(tokens_per_day=100)
    ask(budgets, principal, 10)
    (line,) = budgets.lines()
    line.block.dies = clock.monotonic() + 1
    with databases.system.session() as session:
        session.execute(text("update quota_leases set expires_at = clock_timestamp() + interval '5 seconds'"))
    with databases.operator.session() as session:
        session.execute(text("update quotas set tokens_per_day = 20"))
    Keeper(budgets).once()
    assert line.block.dies > clock.monotonic() + 30
    with pytest.raises(OverQuota, match="may have 20"):
        ask(budgets, principal, 15)


def test_a_lease_that_expired_is_not_spent_of_any_more(
    budgets: Budgets, databases: Databases, principal: Principal, limit: Limiting
) -> None:
    limit(tokens_per_day=100)
    ask(budgets, principal, 10).cancel()
    (line,) = budgets.lines()
    line.block.dies = clock.monotonic() + 1
    with databases.system.session() as session:
        session.execute(text("update quota_leases set expires_at = clock_timestamp() - interval '1 second'"))
    Keeper(budgets).once()
    former = line.block
    assert ask(budgets, principal, 100).granted == 100
    assert line.block is not former


def test_while_the_database_is_away_what_is_leased_goes_on(
    databases: Databases, stopwatch: MemoryStopwatch, budgets: Budgets, principal: Principal, limit: Limiting
) -> None:
    limit(tokens_per_day=1_600)
    ask(budgets, principal, 10)
    nowhere = Database(databases.system.engine.url.set(query={"host": "/nowhere"}))
    budgets.rulebook._system = budgets.kept._system = nowhere
    keeper = Keeper(budgets)
    keeper.once()
    assert budgets.quick(principal, Wanted(10, 10)) is not None
    keeper.stop()
    assert budgets.quick(principal, Wanted(10, 10)) is not None  # what could not be given back is still ours
    nowhere.close()


def test_a_dead_store_of_minutes_gives_503_and_what_is_held_goes_on(
    budgets: Budgets, stopwatch: MemoryStopwatch, principal: Principal, limit: Limiting
) -> None:
    limit(requests_per_minute=32, concurrent_requests=1)
    first = ask(budgets, principal, 1)
    stopwatch.alive = False
    Keeper(budgets).once()
    with pytest.raises(QuotaUnknown) as caught:
        ask(budgets, principal, 1)
    assert caught.value.status == 503
    assert caught.value.retry_after
    first.release()
    ask(budgets, principal, 1)


def test_a_settled_reservation_names_its_windows_in_the_record(
    budgets: Budgets, principal: Principal, limit: Limiting
) -> None:
    limit(tokens_per_day=100, tokens_per_month=1_000, tokens_per_minute=100)
    written: list[UsageRecord] = []
    reservation = ask(budgets, principal, 10)
    reservation.recording(written.append)(record(principal, 7))
    assert len(written[0].charges) == 2
    reservation.settle(100)  # once settled, for good
    reservation.release()
    assert {line.block.reserved for line in budgets.lines()} == {0}


def test_the_thread_of_the_keeper_gives_everything_back_at_its_end(
    budgets: Budgets, databases: Databases, principal: Principal, limit: Limiting
) -> None:
    limit(tokens_per_day=100)
    keeper = Keeper(budgets, pause=0.01)
    keeper.start()
    ask(budgets, principal, 100).cancel()
    keeper.stop()
    with databases.system.session() as session:
        assert session.execute(text("select sum(amount) from quota_leases")).scalar_one() == 0


def test_slots_of_the_real_store_are_no_more_than_the_limit(
    databases: Databases, principal: Principal, limit: Limiting, valkey: str
) -> None:
    limit(concurrent_requests=2, tokens_per_month=100_000)
    stopwatch = ValkeyStopwatch(valkey)
    one, other = (connect.budgets(databases.system, stopwatch) for _ in range(2))
    for each in (one, other):
        each.short.greet()
    first, second = ask(one, principal, 300), ask(other, principal, 300)
    for each in (one, other):
        with pytest.raises(OverQuota, match="concurrent requests"):
            ask(each, principal, 300)
    first.release()
    second.release()
    ask(one, principal, 300)
    stopwatch.close()
