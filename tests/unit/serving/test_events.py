"""Events cut from a stream, and what they count."""

import pytest

from appliance.serving import events
from appliance.serving.events import DONE, Counted, Delta, Events

STREAM = b'data: {"choices": []}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_events_are_whole_wherever_the_chunks_end(size: int) -> None:
    cutter = Events()
    found = [event for begin in range(0, len(STREAM), size) for event in cutter.feed(STREAM[begin : begin + size])]
    assert found == [b'data: {"choices": []}\n\n', DONE]


def test_an_event_without_an_end_is_an_error() -> None:
    cutter = Events()
    with pytest.raises(ValueError, match="without an end"):
        cutter.feed(b"x" * (9 * 1024 * 1024))


@pytest.mark.parametrize(
    ("event", "expected"),
    [(DONE, {}), (b": ping\n\n", {}), (b"data: [1]\n\n", {}), (b'data: {"a": 1}\n\n', {"a": 1})],
)
def test_the_data_of_an_event(event: bytes, expected: dict[str, object]) -> None:
    assert events.data(event) == expected


@pytest.mark.parametrize(
    ("told", "counted", "alone"),
    [
        ({"choices": []}, None, False),
        ({"choices": [], "usage": None}, None, True),
        ({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}, Counted(3, 5), True),
        ({"choices": [{}], "usage": {"prompt_tokens": 3}}, Counted(3, 0), False),
    ],
)
def test_what_is_counted(told: dict[str, object], counted: Counted | None, alone: bool) -> None:
    assert events.usage(told) == counted
    assert events.only_usage(told) is alone


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, None),
        ({"choices": []}, None),
        ({"choices": [{"delta": {"role": "assistant", "content": ""}}]}, None),
        ({"choices": [{"delta": {"content": "hi"}, "finish_reason": None}]}, Delta("hi")),
        ({"choices": [{"delta": {}, "finish_reason": "stop"}]}, Delta("", "stop")),
        ({"choices": [{"delta": None, "finish_reason": "length"}]}, Delta("", "length")),
    ],
)
def test_the_piece_of_a_chunk(told: dict[str, object], expected: Delta | None) -> None:
    assert events.delta(told) == expected
