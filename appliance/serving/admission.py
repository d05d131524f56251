"""Turns at one engine: so many requests run, more wait in a bounded queue, and no tenant's many push out another's few.

A free slot goes to the waiting tenant who has the fewest requests running, the longest waiting among equals. A full
queue makes room for a tenant who has less in it than another: the other's newest is told 429, you are over your share.
When nobody has too much, the newest is told 503, we are full.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from uuid import UUID

from msgspec import Struct

from appliance.kit import clock
from appliance.kit.errors import OverShare
from appliance.serving.errors import EngineFull

SECONDS = 2
"""What ``Retry-After`` says: about what an answer takes."""


class Room(Struct, frozen=True):
    """How many run at an engine, how many more wait, and how long a wait may take (seconds)."""

    slots: int
    queue: int
    patience: float = 60.0


class Admission:
    """The turns at one engine, for one event loop."""

    def __init__(self) -> None:
        self._running: Counter[UUID] = Counter()
        self._waiting: OrderedDict[UUID, deque[asyncio.Future[None]]] = OrderedDict()
        self._room = Room(1, 0)

    @property
    def running(self) -> int:
        """How many requests are with the engine."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return sum(len(line) for line in self._waiting.values())

    def turn(self, tenant: UUID, room: Room) -> "Turn":
        """Wait for a turn, and hold it, as a context; gives the seconds waited.

        Raises :class:`OverShare` (429) for a tenant who has more than its share, :class:`EngineFull` (503) else.
        """
        return Turn(self, tenant, room)

    async def take(self, tenant: UUID, room: Room) -> float:
        """Wait for a turn; the seconds waited. Whoever has one must :meth:`leave`."""
        self._room = room
        if not self._waiting and self.running < room.slots:
            self._running[tenant] += 1
            return 0.0
        begun = clock.monotonic()
        await self._wait(tenant)
        return clock.monotonic() - begun

    def leave(self, tenant: UUID) -> None:
        """Give a turn to the next."""
        left = self._running[tenant] - 1
        if left:
            self._running[tenant] = left
        else:
            del self._running[tenant]
        self._grant()

    async def _wait(self, tenant: UUID) -> None:
        if self.waiting >= self._room.queue:
            self._make_room(tenant)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(tenant, deque()).append(turn)
        timer = loop.call_later(self._room.patience, _give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the turn came in the very moment in which the caller left
                self.leave(tenant)
            raise
        finally:
            timer.cancel()
            self._forget(tenant, turn)

    def _forget(self, tenant: UUID, turn: "asyncio.Future[None]") -> None:
        line = self._waiting.get(tenant)
        if line and turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[tenant]

    def _make_room(self, tenant: UUID) -> None:
        """Tell the newest of whoever waits with most to come again; raise when that would be this tenant."""
        mine = len(self._waiting.get(tenant, ()))
        most = max(self._waiting, key=lambda one: len(self._waiting[one]), default=tenant)
        if most != tenant and len(self._waiting[most]) > mine + 1:
            newest = self._waiting[most].pop()
            if not newest.done():
                newest.set_exception(_over_share())
            return
        present = self._running.keys() | self._waiting.keys() | {tenant}
        share = (self._room.slots + self._room.queue) / len(present)
        if len(present) > 1 and self._running[tenant] + mine >= share:
            raise _over_share()
        raise EngineFull("the engine and its queue are full", retry_after=SECONDS)

    def _grant(self) -> None:
        while self._waiting and self.running < self._room.slots:
            tenant = min(self._waiting, key=lambda one: self._running[one])
            turn = self._waiting[tenant].popleft()
            self._waiting.move_to_end(tenant)
            if not self._waiting[tenant]:
                del self._waiting[tenant]
            if not turn.done():
                self._running[tenant] += 1
                turn.set_result(None)


class Turn:
    """One turn, while its context is open. A class, as a generator's context costs more."""

    __slots__ = ("_admission", "_room", "_tenant")

    def __init__(self, admission: Admission, tenant: UUID, room: Room) -> None:
        self._admission = admission
        self._tenant = tenant
        self._room = room

    async def __aenter__(self) -> float:
        """Wait for it; the seconds waited."""
        return await self._admission.take(self._tenant, self._room)

    async def __aexit__(self, *_: object) -> None:
        """It is over."""
        self._admission.leave(self._tenant)


def _give_up(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_exception(EngineFull("no turn came in time", retry_after=SECONDS))


def _over_share() -> OverShare:
    return OverShare("your tenant has more than its share of this engine's queue", retry_after=SECONDS)
