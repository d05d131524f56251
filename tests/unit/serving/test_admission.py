"""Whose turn it is at an engine, and who is told to come again."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from appliance.kit.errors import ApplianceError, OverShare
from appliance.serving.admission import Admission, Room
from appliance.serving.errors import EngineFull

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


class Line:
    """Requests of several tenants at one engine, each held until it is told to end."""

    def __init__(self, room: Room) -> None:
        self.admission = Admission()
        self.room = room
        self.begun: list[str] = []
        self.refused: dict[str, type[Exception]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def come(self, name: str, tenant: UUID) -> None:
        """A request, as far as it gets by itself."""
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._request(name, tenant))
        await settled()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await settled()

    async def leave(self, name: str) -> None:
        """Its caller goes away."""
        self._tasks[name].cancel()
        await settled()

    async def _request(self, name: str, tenant: UUID) -> None:
        try:
            async with self.admission.turn(tenant, self.room):
                self.begun.append(name)
                await self._ends[name].wait()
        except ApplianceError as error:
            self.refused[name] = type(error) if error.retry_after else ValueError

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert (self.admission.running, self.admission.waiting) == (0, 0)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(line: Line, story: Coroutine[Any, Any, None]) -> None:
    async def all_of_it() -> None:
        await story
        await line.close()

    asyncio.run(all_of_it())


def test_a_free_engine_takes_a_request_at_once_and_the_next_wait_in_order() -> None:
    line = Line(Room(1, 5))

    async def story() -> None:
        for name in ("a", "b", "c"):
            await line.come(name, ONE)
        assert line.begun == ["a"]
        await line.end("a")
        assert line.begun == ["a", "b"]
        await line.end("b")
        assert line.begun == ["a", "b", "c"]

    run(line, story())


def test_a_free_slot_goes_to_the_tenant_who_has_least() -> None:
    line = Line(Room(2, 10))

    async def story() -> None:
        for name in ("a1", "a2", "a3", "a4"):
            await line.come(name, ONE)
        await line.come("b1", TWO)
        await line.end("a1")
        assert line.begun == ["a1", "a2", "b1"], "the one who came last has nothing running"
        await line.end("a2")
        assert line.begun[-1] == "a3"

    run(line, story())


def test_a_full_queue_makes_room_for_a_tenant_who_has_less_in_it() -> None:
    line = Line(Room(1, 3))

    async def story() -> None:
        for name in ("a1", "a2", "a3", "a4"):
            await line.come(name, ONE)
        await line.come("b1", TWO)
        assert line.refused == {"a4": OverShare}, "the newest of whoever has most"
        await line.end("a1")
        await line.end("a2")
        assert line.begun == ["a1", "a2", "b1"], "in turn, though two of a's came before"

    run(line, story())


def test_over_your_share_is_429_and_all_full_is_503() -> None:
    line = Line(Room(1, 2))

    async def story() -> None:
        for name in ("a1", "a2", "a3", "a4"):
            await line.come(name, ONE)
        assert line.refused == {"a4": EngineFull}, "nobody else is there: the engine is full"
        await line.come("b1", TWO)
        assert line.refused["a3"] is OverShare
        await line.come("a5", ONE)
        assert line.refused["a5"] is OverShare
        await line.come("c1", THREE)
        assert line.refused["c1"] is EngineFull, "one each waits: nobody has too much"

    run(line, story())


def test_without_a_queue_nobody_waits() -> None:
    line = Line(Room(1, 0))

    async def story() -> None:
        await line.come("a1", ONE)
        await line.come("b1", TWO)
        await line.come("a2", ONE)
        assert line.refused["b1"] is EngineFull
        assert line.refused["a2"] is EngineFull

    run(line, story())


def test_who_goes_away_while_waiting_leaves_no_trace() -> None:
    line = Line(Room(1, 2))

    async def story() -> None:
        for name in ("a", "b", "c"):
            await line.come(name, ONE)
        await line.leave("b")
        assert line.admission.waiting == 1
        await line.end("a")
        assert line.begun == ["a", "c"]

    run(line, story())


def test_who_goes_away_in_the_moment_of_the_turn_hands_it_on() -> None:
    line = Line(Room(1, 2))

    async def story() -> None:
        for name in ("a", "b", "c"):
            await line.come(name, ONE)
        line._ends["a"].set()
        for _ in range(20):  # until the turn is b's, which has not been told yet
            await asyncio.sleep(0)
            if line.admission.waiting < 2:
                break
        line._tasks["b"].cancel()
        await settled()
        assert line.begun == ["a", "c"]

    run(line, story())


def test_a_turn_that_does_not_come_is_given_up() -> None:
    async def story() -> None:
        admission = Admission()
        async with admission.turn(ONE, Room(1, 1)) as waited:
            assert waited == 0
            with pytest.raises(EngineFull, match="in time"):
                async with admission.turn(ONE, Room(1, 1, 0.01)):
                    pass
        assert (admission.running, admission.waiting) == (0, 0)

    asyncio.run(story())
