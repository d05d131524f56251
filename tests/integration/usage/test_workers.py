"""Several workers, one budget: no limit is passed by one token more than was reserved.

A killed worker takes no more with it than it had reserved.
"""

import json
import signal
import subprocess
import sys
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.access.principal import Principal
from appliance.access.web import Databases
from appliance.kit.settings import Settings
from appliance.usage.service import Usage
from tests.integration.usage.conftest import Limiting

WORKERS = 3
REQUESTS = 200


class Crew:
    """Worker processes of one test."""

    def __init__(self, settings: Settings, databases: Databases, principal: Principal, valkey: str) -> None:
        self.settings = settings
        self.databases = databases
        self.principal = principal
        self.valkey = valkey

    def subject(self, kind: str) -> UUID | None:
        """Whose quota it is, of the caller."""
        return {"tenant": None, "user": self.principal.user, "key": self.principal.key}[kind]

    def run(self, **spec: object) -> dict[str, list[int]]:
        """As many requests as there are at once, over all workers; what became of them."""
        given = {
            "tenant": str(self.principal.tenant),
            "user": str(self.principal.user),
            "key": str(self.principal.key),
            "database": self.databases.system.engine.url.render_as_string(hide_password=False),
            "valkey": self.valkey,
            "journal": str(self.settings.layout.journal),
            "tokens": 100,
            "spread": 0,
            "threads": 67,
            "requests": 67,
            "workers": WORKERS,
            **spec,
        }
        command = [sys.executable, "-m", "tests.integration.usage.working", json.dumps(given)]
        lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        assert len(lines) == WORKERS
        together: dict[str, list[int]] = {}
        for worker in map(json.loads, lines):
            for what, amounts in worker["told"].items():
                together.setdefault(what, []).extend(amounts)
            assert worker["code"] == (-signal.SIGKILL if spec.get("die") else 0)
        return together

    def spent(self, measure: str) -> tuple[int, int]:
        """What is spent and what is leased of a budget."""
        query = (
            "select sum(w.spent)::bigint, (select coalesce(sum(amount), 0)::bigint from quota_leases) "
            "from quota_windows w where measure = :measure"
        )
        with self.databases.system.session() as session:
            spent, leased = session.execute(text(query), {"measure": measure}).one()
        return spent, leased

    def records(self) -> tuple[int, int]:
        """How many records there are, and the tokens in them."""
        with self.databases.system.session() as session:
            query = "select count(*), coalesce(sum(prompt_tokens), 0)::bigint from usage_records"
            count, tokens = session.execute(text(query)).one()
        return count, tokens


def at_once(began: list[int], ended: list[int]) -> int:
    """The most requests that ran at one moment: one that ends as another begins is over."""
    most = running = 0
    for _, step in sorted([(at, 1) for at in began] + [(at, -1) for at in ended]):
        running += step
        most = max(most, running)
    return most


@pytest.fixture
def crew(settings: Settings, databases: Databases, principal: Principal, valkey: str) -> Crew:
    return Crew(settings, databases, principal, valkey)


@pytest.mark.parametrize(
    ("kind", "measure"),
    [
        ("tenant", "tokens_per_day"),
        ("user", "tokens_per_month"),
        ("key", "tokens_per_day"),
        ("key", "tokens_per_minute"),
    ],
)
def test_requests_at_once_over_three_workers_do_not_pass_a_limit_of_tokens(
    crew: Crew, limit: Limiting, kind: str, measure: str
) -> None:
    limit(kind, crew.subject(kind), **{measure: 5_050})
    told = crew.run(spread=0)
    windows = 2 if measure == "tokens_per_minute" else 1  # a minute may end meanwhile
    assert sum(told["used"]) <= windows * 5_000
    assert len(told["granted"]) + len(told["refused"]) >= REQUESTS
    assert min(told["refused"]) >= 1
    if measure != "tokens_per_minute":
        spent, leased = crew.spent(measure)
        assert spent == sum(told["used"]) == crew.records()[1]
        assert spent + leased <= 5_050


def test_what_was_reserved_and_not_used_serves_others(crew: Crew, limit: Limiting) -> None:
    limit(tokens_per_day=10_000)
    told = crew.run(spread=50)
    assert 5_000 < sum(told["used"]) <= 10_000


def test_requests_a_minute_are_counted_over_all_workers(crew: Crew, limit: Limiting) -> None:
    limit(requests_per_minute=50)
    assert len(crew.run()["granted"]) <= 2 * 50  # two windows, where the minute ends meanwhile


@pytest.mark.parametrize("kind", ["tenant", "user", "key"])
def test_no_more_run_at_once_than_there_are_slots(crew: Crew, limit: Limiting, kind: str) -> None:
    limit(kind, crew.subject(kind), concurrent_requests=4)
    told = crew.run(spread=0, hold=5)
    assert told["refused"]
    assert 2 <= at_once(told["began"], told["ended"]) <= 4


def test_a_killed_worker_loses_no_record_and_its_lease_counts_until_it_expires(
    crew: Crew, limit: Limiting, databases: Databases, settings: Settings
) -> None:
    limit(tokens_per_day=5_000)
    told = crew.run(die=5, threads=4)
    noted = sum(told["used"])
    Usage(settings.layout.journal, databases.system).drain()
    count, tokens = crew.records()
    spent, leased = crew.spent("tokens_per_day")
    assert tokens == spent
    assert noted <= tokens <= noted + WORKERS * 4 * 100  # other threads may have journalled before they could tell
    assert 0 < leased <= 5_000 - spent
    assert count * 100 == tokens
    after = crew.run(threads=60)
    assert sum(after["used"]) <= 5_000 - spent - leased
    with databases.system.session() as session:
        session.execute(text("update quota_leases set expires_at = now() - interval '1 second'"))
    last = crew.run(threads=60)
    assert sum(last["used"]) + sum(after["used"]) + spent <= 5_000
    assert sum(last["used"]) > 0


def test_a_file_that_is_drained_twice_is_spent_once_and_audited_once(
    crew: Crew, limit: Limiting, databases: Databases, settings: Settings, principal: Principal
) -> None:
    """As after a crash between the commit and the removal of the file."""
    limit(tokens_per_day=1_000)
    crew.run(requests=3, threads=1, drain=False)
    files = {path: path.read_bytes() for path in settings.layout.journal.iterdir()}
    assert len(files) == WORKERS
    for _ in range(2):
        for path, content in files.items():
            path.write_bytes(content)
        Usage(settings.layout.journal, databases.system).drain()
    assert crew.records() == (9, 900)
    assert crew.spent("tokens_per_day")[0] == 900
    with databases.operator.session() as session:
        query = (
            "select count(*), count(distinct object) from audit_entries where action = 'inference' and actor = :user"
        )
        assert tuple(session.execute(text(query), {"user": principal.user}).one()) == (9, 9)
