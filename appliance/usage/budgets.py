"""Budgets of requests: reserved before the first byte, settled with what was used.

A reservation takes from a block of each limit that binds the caller. Blocks are leased (:mod:`appliance.usage.leasing`)
in sizes that shrink towards the limit, so that nearly every request is decided in memory, and no limit is passed
whatever the workers do at once. What is used of a day or a month is counted where the usage record of the request is
drained, in one transaction with it: so it is counted once, also when this process is killed.
"""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol
from uuid import UUID

from appliance.access.principal import Principal
from appliance.kit import clock
from appliance.usage.errors import OverQuota
from appliance.usage.leasing import Block, Grant, KeptLessor, Lessor, ShortLessor
from appliance.usage.measures import KEPT, TOKENS, Limit, Measure, Window, window
from appliance.usage.reservation import Bound, Reservation, Wanted
from appliance.usage.rulebook import Rulebook, Rules


class Reserving(Protocol):
    """What the engines need of budgets."""

    def quick(self, principal: Principal, wanted: Wanted) -> Reservation | None:
        """Decided in memory, or None: then ask :meth:`reserve`. For the event loop."""
        ...

    def reserve(self, principal: Principal, wanted: Wanted) -> Reservation:
        """Raises ``OverQuota`` or ``QuotaUnknown``; may wait for a store."""
        ...


class Unlimited:
    """Budgets of an appliance without quotas."""

    def quick(self, principal: Principal, wanted: Wanted) -> Reservation | None:  # noqa: ARG002 - a port
        """Everything."""
        return Reservation(None, wanted.most)

    def reserve(self, principal: Principal, wanted: Wanted) -> Reservation:  # noqa: ARG002 - a port
        """Everything."""
        return Reservation(None, wanted.most)


@dataclass(slots=True)
class Line:
    """One limit, its block of the present window, and who is leasing for it."""

    block: Block
    leasing: threading.Lock = field(default_factory=threading.Lock)


class Budgets:
    """This process's blocks of all budgets."""

    def __init__(self, rulebook: Rulebook, kept: KeptLessor, short: ShortLessor) -> None:
        self.rulebook = rulebook
        self.kept = kept
        self.short = short
        self._lock = threading.Lock()
        self._lines: dict[tuple[UUID, Measure], Line] = {}

    def locked(self) -> AbstractContextManager[bool]:
        """Within, nobody else changes a block."""
        return self._lock

    def quick(self, principal: Principal, wanted: Wanted) -> Reservation | None:
        """Decided in memory, or None."""
        rules = self.rulebook.known(principal.tenant)
        if rules is None:
            return None
        if not rules.by_subject:
            return Reservation(None, wanted.most)
        caller = (principal.user.int, principal.key.int if principal.key else 0)
        with self._lock:
            now, found = clock.now(), rules.bound.get(caller)
            if found is None or not found.since <= now < found.until:
                blocks = tuple(self._line(limit, rules).block for limit in rules.of(principal))
                if not blocks:
                    return Reservation(None, wanted.most)
                found = rules.bound[caller] = Bound(blocks)
            reservation = found.take(self._lock, wanted.most, clock.monotonic())
            if reservation is None:
                del rules.bound[caller]  # a block may be about to give way to another
        return reservation

    def reserve(self, principal: Principal, wanted: Wanted) -> Reservation:
        """Take from blocks, leasing where they do not do. Raises :class:`OverQuota` or ``QuotaUnknown``."""
        rules = self.rulebook.find(principal.tenant)
        reservation = Reservation(self._lock, wanted.most)
        try:
            for limit in rules.of(principal):
                least, most = _need(limit.measure, Wanted(wanted.least, reservation.granted))
                amount = self._reserve(limit, rules, least, most, reservation)
                if limit.measure in TOKENS:
                    reservation.granted = min(reservation.granted, amount)
        except BaseException:
            reservation.cancel()
            raise
        return reservation

    def lines(self) -> Sequence[Line]:
        """All blocks that there are, those of past windows not among them once nothing runs on them."""
        with self._lock:
            now = clock.now()
            ended = [key for key, line in self._lines.items() if line.block.window.end <= now]
            for key in ended:
                del self._lines[key]
            return list(self._lines.values())

    def _line(self, limit: Limit, rules: Rules) -> Line:
        """The line of a limit, with a block of the present window that still counts. Under the lock."""
        key = (limit.subject, limit.measure)
        line = self._lines.get(key)
        now = clock.now()
        if line is None:
            line = self._lines[key] = Line(Block(limit, window(limit.measure, now, rules.zone)))
        block = line.block
        if block.limit is not limit and block.limit != limit:
            block.limit = limit  # another amount: what is free of the old one goes back with the keeper's next round
            block.used_at = 0.0
        if not block.window.start <= now < block.window.end:
            line.block = Block(limit, window(limit.measure, now, rules.zone))
        elif block.dies <= clock.monotonic():
            line.block = Block(limit, block.window)
        return line

    def _reserve(self, limit: Limit, rules: Rules, least: int, most: int, reservation: Reservation) -> int:
        """Reserve of one limit; how much."""
        with self._lock:
            line = self._line(limit, rules)
        with line.leasing:
            while True:
                with self._lock:
                    block = self._line(limit, rules).block
                    if block.free >= most:
                        return _take(reservation, block, most, clock.monotonic())
                    free = max(block.free, 0)
                grant = self.lessor(limit).lease(block, max(least - free, 0), most - free)
                with self._lock:
                    block.held += grant.amount
                    if block.free >= least:
                        return _take(reservation, block, min(block.free, most), clock.monotonic())
                if not grant.amount:
                    raise refusal(limit, block.window, grant, least)

    def lessor(self, limit: Limit) -> Lessor:
        """Where blocks of this limit come from."""
        return self.kept if limit.measure in KEPT else self.short


def _need(measure: Measure, wanted: Wanted) -> tuple[int, int]:
    return (wanted.least, wanted.most) if measure in TOKENS else (1, 1)


def _take(reservation: Reservation, block: Block, amount: int, now: float) -> int:
    block.reserved += amount
    block.used_at = now
    reservation.add(block, amount)
    return amount


def refusal(limit: Limit, within: Window, grant: Grant, asked: int) -> OverQuota:
    """Which limit, how much, and when it resets."""
    used = grant.spent + grant.leased
    running = grant.spent + asked <= limit.amount and limit.measure is not Measure.REQUESTS_PER_MINUTE
    resets = None if limit.measure is Measure.CONCURRENT_REQUESTS else within.end
    wait = 1 if running or resets is None else max(1, ceil((resets - clock.now()).total_seconds()))
    words = limit.measure.replace("_", " ")
    whose = f"this {limit.kind}"
    told = f"{whose} may have {limit.amount} {words}; {used} are used or reserved and this asks for {asked}"
    quota = {
        "kind": limit.kind,
        "subject_id": str(limit.subject),
        "measure": limit.measure,
        "limit": limit.amount,
        "used": used,
        "asked": asked,
        "resets_at": None if resets is None else resets.isoformat(),
    }
    return OverQuota(told, retry_after=wait, quota=quota)
