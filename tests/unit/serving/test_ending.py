"""Why an answer ends before its time: the caller left or the deadline passed, told from a cancel that others want."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.types import Message

from appliance.serving.passage import _Ending


async def _cut(begun: "asyncio.Queue[_Ending]") -> str | None:
    ending = _Ending()
    begun.put_nowait(ending)
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        if not ending.was_ours():
            raise
    return ending.why


def _end(*acts: Callable[[_Ending, asyncio.Task[str | None]], object]) -> str | None:
    """What a piece of work says that was ended so."""

    async def story() -> str | None:
        begun: asyncio.Queue[_Ending] = asyncio.Queue()
        work = asyncio.create_task(_cut(begun))
        ending = await begun.get()
        for act in acts:
            act(ending, work)
        return await asyncio.wait_for(work, 0.2)

    return asyncio.run(story())


def test_its_own_cancel_ends_the_work_alone_and_the_first_reason_counts() -> None:
    assert _end(lambda ending, _: ending.end("late"), lambda ending, _: ending.end("left")) == "late"


def test_what_others_want_to_end_ends_all() -> None:
    with pytest.raises(asyncio.CancelledError):
        _end(lambda _, work: work.cancel())
    with pytest.raises(asyncio.CancelledError):
        _end(lambda ending, _: ending.end("left"), lambda _, work: work.cancel())


@pytest.mark.parametrize("called_off", [True, False])
def test_a_watch_that_is_called_off_ends_nothing(*, called_off: bool) -> None:
    def look(ending: _Ending, _: object) -> None:
        watch: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        if called_off:
            watch.cancel()
        else:
            watch.set_result({"type": "http.disconnect"})
        ending.gone(watch)

    if called_off:
        with pytest.raises(TimeoutError):
            _end(look)
    else:
        assert _end(look) == "left"
