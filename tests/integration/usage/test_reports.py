"""Hours are whole sums of the records, each record once; months and days are the tenant's; and the account adds up."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.kit import clock
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings, UsageSettings
from appliance.usage import rolling
from appliance.usage.journal import UsageRecord
from appliance.usage.reading import Asked
from appliance.usage.reports import By, Reports
from appliance.usage.service import Usage
from tests.integration.usage.working import record

PRICED = UsageSettings(hardware_price=12_623.04, utilisation=1.0)


class Books:
    """Records of a tenant, and what is told of them."""

    def __init__(self, settings: Settings, databases: Databases, principal: Principal) -> None:
        self.usage = Usage(settings.layout.journal, databases.system)
        self.databases = databases
        self.principal = principal

    def keep(self, at: str, tokens: int = 10, **more: object) -> UsageRecord:
        """A request that began at this time."""
        made = replace(record(self.principal, tokens), started_at=datetime.fromisoformat(at).replace(tzinfo=UTC))
        made = replace(made, gpu_seconds=1.0, completion_tokens=1, **more)
        self.usage.record(made)
        self.usage.drain()
        return made

    def roll(self) -> None:
        """Sum what is not summed."""
        with self.databases.system.session() as session:
            rolling.roll_up(session)

    def sums(self, by: By, asked: Asked | None = None) -> list[tuple[str, int, int]]:
        """Name, requests and prompt tokens."""
        with self.databases.app.session(self.principal.tenant) as session:
            found = Reports(session, self.principal.tenant, PRICED).sums(by, asked or Asked())
        return [(line.name, line.sums.requests, line.sums.prompt_tokens) for line in found]


@pytest.fixture
def books(settings: Settings, databases: Databases, principal: Principal) -> Books:
    return Books(settings, databases, principal)


def zone(databases: Databases, name: str) -> None:
    with databases.operator.session() as session:
        session.execute(
            text("update tenants set settings = jsonb_build_object('time_zone', cast(:name as text))"), {"name": name}
        )


def test_a_record_is_summed_once_also_when_it_comes_late(books: Books) -> None:
    books.keep("2026-11-25T10:05")
    books.keep("2026-11-25T10:55", 20)
    books.roll()
    books.roll()
    books.keep("2026-11-25T10:30", 5)
    books.keep("2026-11-25T11:00", 1)
    books.roll()
    assert books.sums(By.HOUR) == [("2026-11-25 10:00", 3, 35), ("2026-11-25 11:00", 1, 1)]
    assert books.sums(By.DAY) == [("2026-11-25", 4, 36)]
    assert books.sums(By.MONTH, Asked(until=datetime(2026, 11, 25, 11, tzinfo=UTC))) == [("2026-11", 3, 35)]


def test_days_and_months_are_those_of_the_tenant_s_clock(books: Books, databases: Databases) -> None:
    zone(databases, "Asia/Kolkata")  # half an hour off the hours of UTC
    books.keep("2026-11-30T18:29", 1)
    books.keep("2026-11-30T18:30", 2)
    books.roll()
    assert books.sums(By.MONTH) == [("2026-11", 1, 1), ("2026-12", 1, 2)]
    assert books.sums(By.HOUR)[1][0] == "2026-12-01 00:00"


def test_sums_are_told_apart_by_whose_and_which(books: Books) -> None:
    other = uuid7()
    books.keep("2026-11-25T10:05", route="a", adapter_digest="x")
    books.keep("2026-11-25T10:06", 30, route="b", user_id=other, key_id=None, outcome="aborted")
    books.roll()
    assert books.sums(By.ROUTE) == [("b", 1, 30), ("a", 1, 10)]
    assert books.sums(By.USER)[0] == (str(other), 1, 30)
    assert books.sums(By.MODEL) == [("d", 1, 30), ("d+x", 1, 10)]
    assert books.sums(By.KEY)[0][0] == str(UUID(int=0))
    assert books.sums(By.ROUTE, Asked(user=other)) == [("b", 1, 30)]


def test_the_account_of_a_month_adds_up(books: Books, databases: Databases, principal: Principal) -> None:
    zone(databases, "Europe/Zurich")
    for at, tokens in (("2026-10-31T22:59", 7), ("2026-10-31T23:00", 100), ("2026-11-30T22:59", 50)):
        books.keep(at, tokens)
    books.roll()
    books.keep("2026-11-10T00:00", 1)
    with databases.app.session(principal.tenant) as session:
        account = Reports(session, principal.tenant, PRICED).account(date(2026, 11, 1))
        empty = Reports(session, principal.tenant, UsageSettings()).account(date(2020, 1, 1))
        present = Reports(session, principal.tenant, PRICED).account()
    assert (account.month, account.time_zone, account.waiting) == ("2026-11", "Europe/Zurich", 1)
    assert (account.total.sums.prompt_tokens, account.total.sums.requests) == (150, 2)
    for parts in (account.users, account.keys, account.routes, account.models):
        assert sum(line.sums.prompt_tokens for line in parts) == 150
        assert sum(line.cost or 0 for line in parts) == pytest.approx(account.total.cost)
    assert account.total.cost == pytest.approx(2 * 0.0001)
    assert account.per_million == pytest.approx(0.0002 / 152 * 1_000_000)
    assert account.clouds[0].price > 0
    assert (empty.total.sums.requests, empty.total.cost, empty.per_million) == (0, None, None)
    assert present.window.start <= clock.now() < present.window.end


def test_what_is_old_is_forgotten_but_what_is_not_summed(books: Books, databases: Databases) -> None:
    books.keep("2020-01-01T00:00")
    settings = UsageSettings(keep_records_days=32, keep_hours_days=64)

    def left() -> tuple[int, int]:
        with databases.system.session() as session:
            rolling.forget(session, settings)
        with databases.system.session() as session:
            counts = [session.scalar(text(f"select count(*) from {t}")) for t in ("usage_records", "usage_hours")]  # noqa: S608 - constants
        return counts[0] or 0, counts[1] or 0

    assert left() == (1, 0)
    books.roll()
    assert left() == (0, 0)
    recent = (clock.now() - timedelta(days=40)).isoformat()[:19]
    books.keep(recent)
    books.roll()
    assert left() == (0, 1)


def test_records_are_paged_newest_first(books: Books, databases: Databases, principal: Principal) -> None:
    made = [books.keep("2026-11-25T10:05", tokens) for tokens in range(5)]
    found, cursor = [], None
    with databases.operator.session() as session:
        while True:
            page = Reports(session, principal.tenant, PRICED).records(Asked(route="default"), cursor, 2)
            found += [one.request_id for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert Reports(session, principal.tenant, PRICED).records(Asked(route="x"), None, 2).items == ()
    assert found == [one.request_id for one in reversed(made)]
