"""An answer's head goes out with the first piece of its body, and never waits for a piece that does not come."""

import asyncio
from collections.abc import Callable

import pytest

from appliance.entry.http import Corked


class Written(asyncio.Transport):
    """What was written, piece by piece; ``None`` for the close."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes | None] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.pieces.append(None)

    def is_closing(self) -> bool:
        return None in self.pieces


async def _a_round() -> None:
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    loop.call_soon(over.set_result, None)
    await over


def _answer(*steps: Callable[[Corked], object]) -> list[bytes | None]:
    """What goes out when each step is taken in a round of the loop of its own."""

    async def story() -> list[bytes | None]:
        written = Written()
        corked = Corked(written, asyncio.get_running_loop())
        for step in steps:
            step(corked)
            await _a_round()
        return written.pieces

    return asyncio.run(story())


def _whole(corked: Corked) -> None:
    corked.write(b"head")
    corked.write(b"body")


def _closed(corked: Corked) -> None:
    corked.write(b"head")
    corked.close()


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((_whole,), [b"headbody"]),
        ((_whole, lambda one: one.write(b"more")), [b"headbody", b"more"]),
        ((lambda one: one.write(b"head"), lambda one: one.write(b"late")), [b"head", b"late"]),
        ((_closed,), [b"head", None]),
    ],
)
def test_the_head_waits_for_the_body_but_not_longer_than_a_round(
    steps: tuple[Callable[[Corked], object], ...], told: list[bytes | None]
) -> None:
    assert _answer(*steps) == told


def test_nothing_is_written_to_a_connection_that_was_closed_meanwhile() -> None:
    async def story() -> list[bytes | None]:
        written = Written()
        Corked(written, asyncio.get_running_loop()).write(b"head")
        written.close()
        await _a_round()
        return written.pieces

    assert asyncio.run(story()) == [None]
