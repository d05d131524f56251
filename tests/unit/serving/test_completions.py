"""The allow-list of the gateway."""

import json
from typing import Any

import pytest

from appliance.serving.bodies import ChatBody, CompletionBody, EmbeddingBody
from appliance.serving.completions import forwarded, read
from appliance.serving.errors import FieldRefused

ASKED: dict[str, Any] = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}


def asked(**fields: object) -> bytes:
    return json.dumps({**ASKED, **fields}).encode()


def schema(value: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": value}}


def test_what_is_listed_reaches_the_engine_under_its_own_name_with_the_tenant_s_salt() -> None:
    listed = {
        "max_tokens": 5,
        "temperature": 0,
        "top_p": 0.5,
        "stop": ["\n"],
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": schema({"type": "object", "properties": {"pattern": {"type": "string", "maxLength": 80}}}),
    }
    sent = forwarded(read(asked(**listed), ChatBody), "smol", "salt")
    assert sent == {**ASKED, **listed, "model": "smol", "cache_salt": "salt"}


def test_a_stream_is_always_counted_and_the_user_field_goes_no_further() -> None:
    body = read(asked(stream=True, user="alice"), ChatBody)
    assert not body.wants_usage
    sent = forwarded(body, "smol", "salt")
    assert sent["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert "user" not in sent
    assert read(asked(stream=True, stream_options={"include_usage": True}), ChatBody).wants_usage


def test_text_in_parts_is_taken() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
    assert forwarded(read(asked(messages=[message]), ChatBody), "m", "s")["messages"] == [message]


def tool(parameters: object = None, name: str = "look", **fields: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "parameters": parameters or {"type": "object"}}, **fields}


def test_tools_their_calls_and_their_results_reach_the_engine() -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "look"},
        # as the official client sends back what it was answered
        {"role": "assistant", "content": None, "refusal": None, "audio": None, "reasoning": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call-1", "content": "a tree"},
    ]
    named = {"type": "function", "function": {"name": "look"}}
    body = read(asked(messages=messages, tools=[tool()], tool_choice=named, parallel_tool_calls=False), ChatBody)
    sent = forwarded(body, "m", "s")
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "look"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call-1", "content": "a tree"},
    ]
    assert (sent["tools"], sent["tool_choice"], sent["parallel_tool_calls"]) == ([tool()], named, False)


def test_records_that_openai_would_keep_go_no_further() -> None:
    sent = forwarded(read(asked(store=False, metadata={"a": "b"}), ChatBody), "m", "s")
    assert sent.keys() == {"model", "messages", "cache_salt"}


@pytest.mark.parametrize("prompt", ["Once", ["Once", "Twice"]])
def test_a_plain_completion_reaches_the_engine(prompt: object) -> None:
    raw = json.dumps({"model": "default", "prompt": prompt, "logprobs": 3, "max_tokens": 5}).encode()
    sent = forwarded(read(raw, CompletionBody), "m", "s")
    assert sent == {"model": "m", "cache_salt": "s", "prompt": prompt, "logprobs": 3, "max_tokens": 5}


def part(**fields: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, fields]}]}


@pytest.mark.parametrize(
    ("form", "fields", "named"),
    [
        (CompletionBody, {"prompt": [1, 2, 3]}, "prompt"),
        (CompletionBody, {"prompt": []}, "prompt"),
        (CompletionBody, {"prompt": "x", "prompt_embeds": "AAAA"}, "prompt_embeds"),
        (CompletionBody, {"prompt": "x", "chat_template_kwargs": {}}, "chat_template_kwargs"),
        (CompletionBody, {"prompt": {"prompt_embeds": "AAAA"}}, "prompt"),
        (CompletionBody, {"prompt": "x", "echo": True}, "echo"),
        (CompletionBody, {"prompt": "x", "best_of": 100}, "best_of"),
        (CompletionBody, {"prompt": "x", "suffix": "y"}, "suffix"),
        (CompletionBody, {}, "prompt"),
        (EmbeddingBody, {"input": [[1, 2]]}, "input"),
        (EmbeddingBody, {"input": ""}, "input"),
        (EmbeddingBody, {"input": []}, "input"),
        (EmbeddingBody, {"input": ["x"] * 257}, "input"),
        (EmbeddingBody, {"input": "x", "truncate_prompt_tokens": 1}, "truncate_prompt_tokens"),
        (EmbeddingBody, {"input": "x", "prompt_embeds": "AAAA"}, "prompt_embeds"),
        (EmbeddingBody, {"input": "x", "chat_template_kwargs": {}}, "chat_template_kwargs"),
        (EmbeddingBody, {"input": "x", "api_base": "http://evil"}, "api_base"),
        (
            EmbeddingBody,
            {"input": "x", "messages": [part(type="image_url", image_url={"url": "http://evil"})]},
            "messages",
        ),
        (EmbeddingBody, {"input": "x", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_what_is_not_listed_elsewhere_is_refused_too(
    form: type[CompletionBody | EmbeddingBody], fields: dict[str, object], named: str
) -> None:
    with pytest.raises(FieldRefused, match=named):
        read(json.dumps({"model": "default", **fields}).encode(), form)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"prompt_embeds": "AAAA"}, "prompt_embeds"),
        ({"chat_template_kwargs": {"a": 1}}, "chat_template_kwargs"),
        ({"chat_template": "{{ x }}"}, "chat_template"),
        ({"cache_salt": "another tenant's"}, "cache_salt"),
        ({"api_base": "http://evil"}, "api_base"),
        ({"base_url": "http://evil"}, "base_url"),
        ({"documents": []}, "documents"),
        ({"mm_processor_kwargs": {}}, "mm_processor_kwargs"),
        ({"kv_transfer_params": {}}, "kv_transfer_params"),
        ({"ignore_eos": True}, "ignore_eos"),
        ({"min_tokens": 10}, "min_tokens"),
        ({"tools": []}, "tools"),
        ({"tools": [tool(type="web_search")]}, "tools.0.type"),
        ({"tools": [tool()] * 65}, "tools"),
        ({"tools": [tool({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}})]}, "pattern"),
        ({"tools": [tool({"type": "something"})]}, "tools.0.function.parameters: 'something' is no type"),
        ({"tools": [tool({"type": ["string", 1]})]}, "no type"),
        ({"tools": [tool({"type": []})]}, "no type"),
        ({"tools": [tool({"$ref": "http://evil/schema"})]}, "may only point into"),
        ({"tools": [tool(name="a b")]}, "tools.0.function.name"),
        ({"tool_choice": "auto"}, "tool_choice: there are no tools"),
        ({"tools": [tool()], "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [tool()], "tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
        ({"functions": []}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"store": True}, "store"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "user", "content": "x", "tool_call_id": "y"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "assistant"}]}, "messages.0.content"),
        ({"messages": [{"role": "assistant", "tool_calls": []}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": "x", "audio": {"id": "y"}}]}, "messages.0.audio"),
        (part(type="image_url", image_url={"url": "http://169.254.169.254/"}), "messages.0.content.1"),
        (part(type="image_url", image_url={"url": "file:///etc/passwd"}), "messages.0.content.1"),
        (part(type="image_url", image_url={"url": "FILE:///etc/passwd"}), "messages.0.content.1"),
        (part(type="image_url", image_url={"url": "data:image/png;base64,AAAA"}), "messages.0.content.1"),
        (part(type="image_url", image_url="http://evil/"), "messages.0.content.1"),
        (part(type="input_image", image_url="http://evil/"), "messages.0.content.1"),
        (part(type="image_embeds", image_embeds="AAAA"), "messages.0.content.1"),
        (part(type="audio_url", audio_url={"url": "http://evil/"}), "messages.0.content.1"),
        (part(type="input_audio", input_audio={"data": "AAAA", "format": "wav"}), "messages.0.content.1"),
        (part(type="file", file={"file_id": "x"}), "messages.0.content.1"),
        (part(image_url={"url": "http://evil/"}), "messages.0.content.1"),
        (part(type="video_url", video_url={"url": "data:,"}), "messages.0.content.1"),
        (part(type="text", text="x", image_embeds="AAAA"), "messages.0.content.1.image_embeds"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "root", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "x", "tool_calls": []}]}, "messages.0.tool_calls"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"n": 100}, "n"),
        ({"seed": 2**63}, "seed"),
        ({"stop": ["x"] * 5}, "stop"),
        ({"stop": "x" * 201}, "stop"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": True, "continuous_usage_stats": True}}, "stream_options.continuous"),
        ({"response_format": {"type": "structural_tag"}}, "response_format.type"),
        ({"response_format": schema({"type": "string", "pattern": "(a+)+$"})}, "pattern"),
        ({"response_format": schema({"allOf": [{"patternProperties": {}}]})}, "patternProperties"),
        ({"response_format": schema({"properties": {"a": {"pattern": "x"}}})}, "pattern"),
        ({"response_format": schema({"properties": {"properties": {"pattern": "x"}}})}, "pattern"),
        ({"response_format": schema({"enum": ["x" * 70_000]})}, "longer than"),
        ({"response_format": schema({"type": "string", "maxLength": 2**31})}, "at most"),
        ({"response_format": schema({"items": {"type": "array", "minItems": 100_000}})}, "at most"),
        ({"response_format": schema({"properties": {"a": {"maxItems": 1e9}}})}, "at most"),
        ({"response_format": schema({"type": "string", "minLength": -5})}, "at most"),
        ({"response_format": schema({"type": "array", "minItems": True})}, "at most"),
        ({"response_format": schema({"type": "array", "minItems": 9, "maxItems": 2})}, "minItems is more than may be"),
    ],
)
def test_what_is_not_listed_is_refused_by_name(fields: dict[str, object], named: str) -> None:
    with pytest.raises(FieldRefused, match=named) as told:
        read(asked(**fields), ChatBody)
    assert told.value.status == 400


def test_a_schema_nested_without_end_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(20):
        deep = {"items": deep}
    with pytest.raises(FieldRefused, match="nested"):
        read(asked(response_format=schema(deep)), ChatBody)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"model": "\\ud800"}', b'{"temperature": NaN}', b"[" * 100_000],
)
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    with pytest.raises(FieldRefused):
        read(raw, ChatBody)
