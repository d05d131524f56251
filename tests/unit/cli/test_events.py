"""Server-sent events, cut out of lines."""

from appliance.entry.cli.events import Event, parse


def test_events_are_cut_at_empty_lines() -> None:
    lines = [
        "id: 7",
        "event: delta",
        'data: {"text":',
        "data:  1}",
        "",
        ": still here",
        "",
        "event: none",
        "",
        "data:{}",
        "",
    ]
    assert list(parse(lines)) == [Event("7", "delta", {"text": 1}), Event("7", "message", {})]


def test_an_event_that_was_torn_is_dropped() -> None:
    assert list(parse(["event: done", 'data: {"answer": 1}'])) == []


def test_a_field_that_nobody_knows_is_passed_over() -> None:
    assert list(parse(["retry: 5", "data: {}", ""])) == [Event("", "message", {})]
