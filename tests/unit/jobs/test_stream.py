"""Events on the wire."""

from datetime import UTC, datetime

import anyio

from appliance.jobs.job import Event, EventKind
from appliance.jobs.stream import News, follow, frame
from appliance.kit.errors import Unauthenticated

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def event(seq: int) -> Event:
    return Event(seq, EventKind.LOG, {"message": f"行 {seq}\nand more"}, AT)


def collect(news: News, *later: News | Exception, quiet: float = 15.0) -> tuple[list[str], list[int]]:
    """All frames, and after which numbers it looked again."""
    looked: list[int] = []
    answers = list(later)

    def read(after: int) -> News:
        looked.append(after)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run() -> list[str]:
        return [part async for part in follow(read, news, 0, quiet=quiet)]

    return anyio.run(run), looked


def test_a_frame_carries_number_kind_and_one_line_of_data() -> None:
    assert frame(event(7)) == (
        'id: 7\nevent: log\ndata: {"message": "行 7\\nand more", "at": "2026-01-02T03:04:05+00:00"}\n\n'
    )


def test_a_stream_goes_on_after_the_last_number_told_and_ends_when_all_is_told() -> None:
    told, looked = collect(
        News((event(3), event(5)), complete=False), News((), complete=False), News((event(9),), complete=True)
    )
    assert told == [frame(event(number)) for number in (3, 5, 9)]
    assert looked == [5, 5]


def test_a_quiet_stream_shows_that_it_is_alive() -> None:
    told, _ = collect(News((), complete=False), News((), complete=True), quiet=-1)
    assert told == [": still here\n\n"]


def test_a_refusal_half_way_is_told_and_ends_the_stream() -> None:
    told, _ = collect(News((), complete=False), Unauthenticated("revoked"))
    assert len(told) == 1
    assert told[0].startswith("event: error\ndata: {")
    assert '"status": 401' in told[0]
