"""A request's part of each budget that binds its caller, from before its first byte until its end."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from appliance.audit import origin
from appliance.usage.journal import Charge, UsageRecord
from appliance.usage.leasing import Block

Record = Callable[[UsageRecord], None]


class Wanted(Struct, frozen=True):
    """Tokens of a request, prompt and answer together: as few as it can do with, as many as it may use."""

    least: int
    most: int


@dataclass(slots=True)
class Parts:
    """What was taken of blocks: so many tokens of each, one request of each, one slot of each."""

    tokens: list[tuple[Block, int]] = field(default_factory=list)
    requests: list[Block] = field(default_factory=list)
    slots: list[Block] = field(default_factory=list)

    def add(self, block: Block, amount: int) -> None:
        """One more budget's part; of requests and slots a request takes one."""
        if block.of_tokens:
            self.tokens.append((block, amount))
        else:
            (self.slots if block.of_slots else self.requests).append(block)

    def charges(self) -> tuple[Charge, ...]:
        """The windows and leases that the drained record is counted against."""
        kept = (block for block, _ in self.tokens if block.kept)
        return tuple(Charge(str(block.window_id), str(block.lease)) for block in kept if block.window_id is not None)

    def settle(self, tokens: int) -> None:
        """So many were used, and the request; the slot is used until the end."""
        for block, amount in self.tokens:
            block.reserved -= amount
            block.held -= tokens
        for block in self.requests:
            block.reserved -= 1
            block.held -= 1

    def free(self) -> None:
        """The slot is free again."""
        for block in self.slots:
            block.reserved -= 1

    def put_back(self) -> None:
        """Nothing was used."""
        for block, amount in self.tokens:
            block.reserved -= amount
        for block in self.requests:
            block.reserved -= 1
        self.free()


class Reservation:
    """A request's part of each budget. Safe between threads; :meth:`release` it whatever happens.

    ``lock``: within, nobody else changes a block; None where nothing is bounded.
    """

    __slots__ = ("_charges", "_lock", "_parts", "_settled", "granted")

    def __init__(
        self,
        lock: "threading.Lock | None",
        granted: int,
        parts: Parts | None = None,
        charges: tuple[Charge, ...] | None = None,
    ) -> None:
        self.granted = granted
        self._lock = lock
        self._parts = parts or Parts()
        self._charges = charges
        self._settled = False

    def add(self, block: Block, amount: int) -> None:
        """One more budget's part."""
        self._parts.add(block, amount)

    @property
    def charges(self) -> tuple[Charge, ...]:
        """The windows and leases that the drained record is counted against."""
        return self._parts.charges() if self._charges is None else self._charges

    def recording(self, record: Record, engine: Callable[[], float] = float) -> Record:
        """``record``, which also names these budgets in the record and settles them with what it counts.

        ``engine`` tells the seconds of an engine that the request was charged: none, if nothing is said.
        """

        def write(told: UsageRecord) -> None:
            came = origin.current()
            told.charges, told.gpu_seconds = self.charges, engine()
            told.asked, told.source = came.request_id, came.source
            record(told)
            self.settle(told.prompt_tokens + told.completion_tokens)

        return write

    def settle(self, tokens: int) -> None:
        """Give back what was reserved and not used. Once; more changes nothing."""
        if self._settled or self._lock is None:
            return
        self._settled = True
        with self._lock:
            self._parts.settle(tokens)

    def cancel(self) -> None:
        """As if it had never been: for a request that was refused before it reached an engine."""
        if self._settled or self._lock is None:
            return
        self._settled = True
        with self._lock:
            self._parts.put_back()
        self._parts = Parts()

    def forgo(self) -> None:
        """The request will not be made."""
        self.cancel()
        self.release()

    def release(self) -> None:
        """The request is over: its slot is free, and what was not settled was not used but the request itself."""
        if self._lock is None:
            return
        self.settle(0)
        with self._lock:
            self._parts.free()
        self._parts = Parts()


class Bound:
    """The blocks of every limit that binds one caller, gathered once for many requests; under the budgets' lock.

    True from ``since`` until ``until``, in which all their windows are open.
    """

    __slots__ = ("_blocks", "_charges", "_kept", "_requests", "_slots", "_tokens", "since", "until")

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.since: datetime = max(block.window.start for block in blocks)
        self.until: datetime = min(block.window.end for block in blocks)
        self._blocks = blocks
        self._tokens = [block for block in blocks if block.of_tokens]
        self._slots = [block for block in blocks if block.of_slots]
        self._requests = [block for block in blocks if not block.of_tokens and not block.of_slots]
        self._kept = sum(block.kept for block in blocks)
        self._charges: tuple[Charge, ...] | None = None

    def take(self, lock: threading.Lock, most: int, now: float) -> Reservation | None:
        """So many tokens of each block that counts them, one of each other; None, and nothing, where one has less.

        ``now``: of the monotonic clock.
        """
        for block in self._blocks:
            need = most if block.of_tokens else 1
            if block.held - block.reserved < need or block.dies <= now:
                return None
        for block in self._blocks:
            block.reserved += most if block.of_tokens else 1
            block.used_at = now
        parts = Parts([(block, most) for block in self._tokens], self._requests, self._slots)
        if self._charges is None and len(charges := parts.charges()) == self._kept:  # a lease keeps its ids
            self._charges = charges
        return Reservation(lock, most, parts, self._charges)
