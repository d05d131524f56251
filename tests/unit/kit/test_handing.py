"""What a thread made for a task that is gone by then is undone, once."""

import asyncio
import threading

import pytest

from appliance.kit import offload
from appliance.kit.handing import taken


def test_it_is_taken() -> None:
    undone: list[int] = []
    assert asyncio.run(taken(lambda: 7, undone.append)) == 7
    assert undone == []


def test_a_task_that_was_cancelled_meanwhile_takes_nothing() -> None:
    begun, go_on, undone = threading.Event(), threading.Event(), list[int]()
    made = threading.Event()

    def make() -> int:
        begun.set()
        go_on.wait(10)
        return 7

    def undo(number: int) -> None:
        undone.append(number)
        made.set()

    async def run() -> None:
        task = asyncio.create_task(taken(make, undo))
        await offload.run(begun.wait, 10)
        task.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert made.wait(10)
    assert undone == [7]


def test_what_could_not_be_made_is_not_undone() -> None:
    def fail() -> int:
        raise OSError("no")

    undone: list[int] = []
    with pytest.raises(OSError, match="no"):
        asyncio.run(taken(fail, undone.append))
    assert undone == []
