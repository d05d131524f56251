"""Events cut from a stream, and what they count."""

import json

import pytest

from appliance.serving import events
from appliance.serving.events import DONE, Counted, Delta, Events, Meter

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
    ("told", "counted"),
    [
        (b"{}", None),
        (b'{"usage": null}', None),
        (b'{"usage": {"prompt_tokens": 3, "completion_tokens": 5}}', Counted(3, 5)),
        (b'{"usage": {"prompt_tokens": 3}, "metrics": {"queue_time_ms": 250.0}}', Counted(3, 0, queued=0.25)),
        (b'{"usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}}', Counted(3, 0, cached=2)),
    ],
)
def test_what_is_counted(told: bytes, counted: Counted | None) -> None:
    assert events.usage(told) == counted


def chunk(index: int, text: str, completion: int, prompt: int = 3) -> bytes:
    """A chunk as vLLM 0.32 wrote it for ``continuous_usage_stats``."""
    choice = f'{{"index":{index},"delta":{{"content":{json.dumps(text)}}},"logprobs":null,"finish_reason":null}}'
    usage = f'{{"prompt_tokens":{prompt},"total_tokens":{prompt + completion},"completion_tokens":{completion}}}'
    return f'data: {{"id":"x","choices":[{choice}],"usage":{usage}}}\n\n'.encode()


@pytest.mark.parametrize("text", ["hi", ',"usage":{"completion_tokens":9}', "}\n\n", "你好"])
def test_a_count_is_taken_out_of_a_chunk_and_the_text_is_not_touched(text: str) -> None:
    meter = Meter()
    left = meter.see(chunk(0, text, 1))
    assert left is not None
    told = events.data(left)
    assert "usage" not in told
    assert told["choices"][0]["delta"]["content"] == text
    assert meter.counted() == Counted(3, 1)


def test_a_stream_broken_off_is_counted_to_its_last_chunk_over_all_choices() -> None:
    meter = Meter(2)
    for event in (chunk(0, "a", 1), chunk(1, "b", 1), chunk(0, "c", 2), chunk(2, "d", 5, prompt=7)):
        meter.see(event)
    assert meter.counted() == Counted(3 + 7, 2 + 1 + 5)


def test_the_event_that_is_there_for_the_count_alone_decides_it_and_is_kept_back() -> None:
    meter = Meter()
    meter.see(chunk(0, "a", 1))
    last = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
    assert meter.see(last) is None
    assert (meter.final, meter.counted()) == (last, Counted(3, 2))


@pytest.mark.parametrize("event", [b'data: {"choices":[{"index":0}],"usage":null}\n\n', b": ping\n\n", DONE])
def test_an_event_without_a_count_goes_on_as_it_is(event: bytes) -> None:
    meter = Meter()
    assert meter.see(event) == event
    assert meter.counted() == Counted()


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
