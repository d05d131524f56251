"""What a request costs before its engine hears of it: `make bench-auth`, `bin/bench auth [--json]`.

Authenticate the key, authorise the act, reserve of every quota (tenant, user and key, each with every limit of requests
there is), write the record that usage and audit come from, settle. On a PostgreSQL and a Valkey of its own, with the
drainer and the keeper at work beside it as in the web process. *Warm*: what was read is remembered. *Cold*: nothing is,
neither the key nor the rules nor a block, so that each request reads and leases all of it. HTTP is not in it.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

from appliance.access.permissions import Action, require
from appliance.access.principal import Principal, Role, UserId
from appliance.drivers import valkey
from appliance.drivers.stopwatch import ValkeyStopwatch
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.kit.layout import Layout
from appliance.tenants.authentication import Authenticator
from appliance.tenants.service import Tenants
from appliance.usage import connect
from appliance.usage.budgets import Budgets
from appliance.usage.journal import UsageRecord
from appliance.usage.keeper import Keeper
from appliance.usage.measures import OF_REQUESTS, Kind
from appliance.usage.quotas import Quotas
from appliance.usage.reservation import Wanted
from appliance.usage.service import Usage
from bench.audit.__main__ import server
from bench.report import Figure, orderly, tell

LIMIT = 0.5
"""Milliseconds at the median, warm (issue 3)."""
PLENTY = 10**9
TOKENS = 1_000


@dataclass(slots=True)
class Door:
    """What stands before an engine, one process's."""

    authenticate: Authenticator
    budgets: Budgets
    usage: Usage
    key: str

    def request(self) -> None:
        """One request, without its engine."""
        principal = self.authenticate(self.key)
        require(principal, Action.ASK)
        wanted = Wanted(TOKENS, TOKENS)
        reservation = self.budgets.quick(principal, wanted) or self.budgets.reserve(principal, wanted)
        try:
            reservation.recording(self.usage.record)(_record(principal))
        finally:
            reservation.release()


def _record(principal: Principal) -> UsageRecord:
    return UsageRecord(
        request_id=uuid7(),
        tenant_id=principal.tenant,
        user_id=principal.user,
        key_id=principal.key,
        route="default",
        model_digest="sha256:0",
        adapter_digest=None,
        outcome="done",
        prompt_tokens=TOKENS // 2,
        completion_tokens=TOKENS // 4,
        first_token_seconds=0.1,
        total_seconds=1.0,
        started_at=clock.now(),
    )


def people(operator: Database) -> str:
    """A member with a key, and quotas of tenant, user and key with every limit; the key."""
    with operator.session() as session:
        tenant = Tenants(session).create("bench").id
        user = Tenants(session).people(tenant).add("member", "Member", Role.MEMBER)
        issued = Tenants(session).keys(tenant).create(user.id, "bench")
        by = Principal(user.tenant_id, UserId(user.id), Role.OPERATOR, "bench")  # type: ignore[arg-type] # a tenant's id
        subjects: dict[Kind, UUID | None] = {Kind.TENANT: None, Kind.USER: user.id, Kind.KEY: issued.key.id}
        for kind, subject in subjects.items():
            Quotas(session, tenant, by).create(kind, subject, dict.fromkeys(OF_REQUESTS, PLENTY))
    return issued.secret


def timed(count: int, act: Callable[[], None], before: Callable[[], None] = lambda: None) -> list[float]:
    """Milliseconds of each of so many."""
    taken = []
    for _ in range(count):
        before()
        begun = clock.monotonic()
        act()
        taken.append((clock.monotonic() - begun) * 1000)
    return taken


def figures(name: str, taken: list[float], limit: float | None) -> Iterator[Figure]:
    """Median and 99th percentile."""
    yield Figure(f"{name}, median of {len(taken)}", median(taken), limit, "ms, limit" if limit else "ms")
    yield Figure(f"{name}, p99", quantiles(taken, n=100)[98], None, "ms")


def measure(warm: int, cold: int) -> Iterator[Figure]:
    """All of it."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-auth-")))
        urls = stack.enter_context(server(place))
        layout = Layout(place)
        stack.enter_context(valkey.start(layout))
        while valkey.probe(layout):
            pass
        operator, system = Database(urls["operator"]), Database(urls["system"])
        key = people(operator)
        stopwatch = ValkeyStopwatch(f"redis+socket://{layout.valkey_socket}")
        usage, authenticate = Usage(layout.journal, system), Authenticator(system)
        door = Door(authenticate, connect.budgets(system, stopwatch), usage, key)
        keeper = Keeper(door.budgets)
        usage.start()
        authenticate.start()
        keeper.start()
        while not authenticate.hears:
            pass
        timed(200, door.request)
        yield from figures("a request, warm", timed(warm, door.request), LIMIT)

        def forget() -> None:
            authenticate.forget()
            Keeper(door.budgets).give_back(0.0)  # a lease is half of what is left: sixty that nobody returns are all
            door.budgets = connect.budgets(system, stopwatch)
            door.budgets.short.greet()

        yield from figures("a request, cold", timed(cold, door.request, forget), None)
        for part in (keeper, usage, authenticate):
            part.stop()
        stopwatch.close()
        operator.close()
        system.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-auth")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    parser.add_argument("--warm", type=int, default=20_000, help="requests with all remembered")
    parser.add_argument("--cold", type=int, default=500, help="requests with nothing remembered")
    given = parser.parse_args()
    orderly()
    return tell(list(measure(given.warm, given.cold)), document=given.json, digits=3)


if __name__ == "__main__":
    sys.exit(main())
