"""Where blocks of budgets come from: PostgreSQL for days and months, the stopwatch for minutes and slots.

A block is what one worker may spend by itself of one limit in one window. ``held`` is what is left of it for the
worker, ``reserved`` the part of it that running requests may still use. For a window kept in PostgreSQL the lease there
is ``held`` plus what was used and is not drained yet, so that leases and what is spent never sum above the limit.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Final, Protocol
from uuid import UUID

from appliance.drivers.stopwatch import QUIET_SECONDS, UNKNOWN, Stopwatch, StopwatchDown
from appliance.kit import clock
from appliance.kit.database import Database
from appliance.kit.ids import uuid7
from appliance.usage import repository
from appliance.usage.errors import QuotaUnknown
from appliance.usage.measures import KEPT, TOKENS, Limit, Measure, Window

MARGIN: Final = 5.0
"""Seconds before a lease's end at which its holder stops spending of it."""
SHARES: Final = 8
"""While Valkey is down a worker takes one such share of a window by itself, so up to eight stay below the limit."""
UNSEEN_SECONDS: Final = 300.0
"""For so long after Valkey last answered; then nothing is given out."""


@dataclass(slots=True, eq=False)
class Block:
    """What this worker may spend of a limit in a window. ``dies``: when it may no more, on the monotonic clock."""

    limit: Limit
    window: Window
    held: int = 0
    reserved: int = 0
    dies: float = float("inf")
    window_id: UUID | None = None
    lease: UUID = field(default_factory=uuid7)
    used_at: float = 0.0
    unseen: bool = False
    of_tokens: bool = field(init=False)
    of_slots: bool = field(init=False)
    kept: bool = field(init=False)

    def __post_init__(self) -> None:
        """What kind of limit it is of: asked several times a request, and an enumeration answers slowly."""
        self.of_tokens = self.limit.measure in TOKENS
        self.of_slots = self.limit.measure is Measure.CONCURRENT_REQUESTS
        self.kept = self.limit.measure in KEPT

    @property
    def name(self) -> str:
        """Its window's, for the stopwatch."""
        return f"{self.limit.measure}:{self.limit.subject}:{int(self.window.start.timestamp())}"

    @property
    def free(self) -> int:
        """What may be reserved now."""
        return self.held - self.reserved


@dataclass(frozen=True, slots=True)
class Grant:
    """What a lessor gave. ``spent``: what was used for good, ``leased``: what others and we may still use."""

    amount: int
    spent: int
    leased: int


class Lessor(Protocol):
    """Leases out of one kind of window. ``block`` is locked by the caller; only its ``held`` is the caller's."""

    def lease(self, block: Block, least: int, most: int) -> Grant:
        """At least ``least`` (or 0), about ``most``. Raises :class:`QuotaUnknown`, or what a database raises."""
        ...

    def give(self, block: Block, amount: int) -> None:
        """Give back what the block's ``held`` was lowered by."""
        ...


class KeptLessor:
    """Days and months, in PostgreSQL. ``system`` is the login of leases."""

    def __init__(self, system: Database) -> None:
        self._system = system

    def lease(self, block: Block, least: int, most: int) -> Grant:
        """A sixteenth of what is free at most, but what the request needs."""
        begun = clock.monotonic()
        limit = block.limit
        with self._system.session() as session:
            window, spent = repository.lock_window(session, limit, block.window)
            leased = repository.leased(session, window)
            free = limit.amount - spent - leased
            amount = 0 if free < max(least, 1) else min(free, max(most, free // 16))
            if amount:
                repository.add_lease(session, block.lease, limit.tenant, window, amount)
        if amount:
            block.window_id = window
            block.dies = begun + repository.LIFE - MARGIN
        return Grant(amount, spent, leased)

    def give(self, block: Block, amount: int) -> None:
        """Shrink the lease."""
        with self._system.session() as session:
            repository.shrink(session, block.lease, amount)

    def renew(self, blocks: list[Block]) -> list[Block]:
        """Let the leases of these count on; those that did not any more."""
        begun = clock.monotonic()
        with self._system.session() as session:
            alive = repository.renew(session, [block.lease for block in blocks])
        for block in blocks:
            if block.lease in alive:
                block.dies = begun + repository.LIFE - MARGIN
        return [block for block in blocks if block.lease not in alive]


class ShortLessor:
    """Minutes and slots, on the stopwatch. While it is down, or was restarted, a small share unseen; then nothing."""

    def __init__(self, stopwatch: Stopwatch, owner: str) -> None:
        self._stopwatch = stopwatch
        self._owner = owner
        self._seen = float("-inf")
        self._seen_at = datetime.max.replace(tzinfo=UTC)

    def greet(self) -> None:
        """Tell the stopwatch that we are there. Raises :class:`StopwatchDown`."""
        self._stopwatch.greet(first=self._seen == float("-inf"))
        self._saw()

    def _saw(self) -> None:
        self._seen, self._seen_at = clock.monotonic(), clock.now()

    def lease(self, block: Block, least: int, most: int) -> Grant:
        """Raises :class:`QuotaUnknown`."""
        try:
            amount, others = self._ask(block, least, most)
        except StopwatchDown:
            return self._unseen(block, least)
        if amount == UNKNOWN:
            return self._unseen(block, least)
        self._saw()
        return Grant(amount, 0, others)

    def _ask(self, block: Block, least: int, most: int) -> tuple[int, int]:
        amount = block.limit.amount
        if block.limit.measure is Measure.CONCURRENT_REQUESTS:
            return self._stopwatch.hold(block.name, self._owner, block.held, max(least, 1), most, amount)
        return self._stopwatch.take(block.name, block.window.end.timestamp(), max(least, 1), most, amount)

    def _unseen(self, block: Block, least: int) -> Grant:
        """One share of a window that began after the stopwatch was last seen: of that one nobody got anything of it."""
        share = block.limit.amount // SHARES
        blind = block.window.start > self._seen_at and clock.monotonic() - self._seen > QUIET_SECONDS + 1
        if not blind or block.unseen or clock.monotonic() - self._seen > UNSEEN_SECONDS or share < max(least, 1):
            wait = min(60, max(1, ceil((block.window.end - clock.now()).total_seconds())))
            raise QuotaUnknown(f"{block.limit.measure}: Valkey does not tell what is left", retry_after=wait)
        block.unseen = True
        return Grant(share, 0, 0)

    def give(self, block: Block, amount: int) -> None:
        """Raises :class:`StopwatchDown`."""
        if block.limit.measure is Measure.CONCURRENT_REQUESTS:
            self.tell(block)
        elif not block.unseen:
            self._stopwatch.give(block.name, amount)

    def tell(self, block: Block) -> None:
        """Say how many slots we hold. Raises :class:`StopwatchDown`."""
        self._stopwatch.hold(block.name, self._owner, block.held, 0, 0, block.limit.amount)
