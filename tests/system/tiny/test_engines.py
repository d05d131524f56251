"""What engines are started with: readers of tool calls, counts of what was cached. And what no engine is given."""

import json
from typing import Any

import openai
import pytest

from tests.factories import tiny
from tests.factories.appliance import wait
from tests.factories.callers import PATH
from tests.factories.town import FIRST, NORTH, SECOND, Town

pytestmark = pytest.mark.vllm

LOOK: Any = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "integer"}}}},
}
ASKED: Any = [{"role": "user", "content": "Where is it?"}]


def test_a_model_whose_calls_the_catalogue_can_read_calls_a_tool_by_itself(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=FIRST, messages=ASKED, tools=[LOOK], temperature=0, max_tokens=20)
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("look", {"at": 1})
    stream = {"model": FIRST, "messages": ASKED, "tools": [LOOK], "tool_choice": "auto", "temperature": 0}
    with client.chat.completions.stream(**stream, max_tokens=20) as events:
        (again,) = events.get_final_completion().choices[0].message.tool_calls or []
    assert (again.function.name, json.loads(again.function.arguments)) == ("look", {"at": 1})


def test_without_tools_the_same_words_are_an_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=FIRST, messages=ASKED, temperature=0, max_tokens=20)
    assert answer.choices[0].message.content == "".join(tiny.CALL)


def test_a_model_whose_calls_nobody_can_read_refuses_to_choose(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="tool") as refused:
        client.chat.completions.create(model=SECOND, messages=ASKED, tools=[LOOK], max_tokens=4)
    assert refused.value.status_code in (400, 422)


def test_what_was_computed_before_is_counted_and_not_across_tenants(town: Town) -> None:
    long = {"role": "user", "content": "word " * 300}
    body = {"model": FIRST, "messages": [long], "max_tokens": 1}
    with town.appliance.api() as ours, town.appliance.api(town.keys[NORTH]) as theirs:
        cached = [
            client.post(PATH, json=body).json()["usage"]["prompt_tokens_details"]["cached_tokens"]
            for client in (ours, ours, theirs)
        ]
    assert cached[1] >= 128
    assert (cached[0], cached[2]) == (0, 0)
    kept = "select max(cached_tokens) from usage_records where route = %s"
    wait(lambda: town.appliance.value(kept, FIRST) == cached[1], 10, "the usage is drained")


def test_a_video_that_would_fill_the_memory_is_refused_by_its_size(town: Town) -> None:
    frames = {"url": "data:video/jpeg;base64," + ",".join(["/9j/4AAQ"] * 300_000)}
    messages = [{"role": "user", "content": [{"type": "video_url", "video_url": frames}]}]
    with town.appliance.api(town.keys[NORTH]) as client:
        assert client.post(PATH, json={"model": FIRST, "messages": messages}).status_code == 413
