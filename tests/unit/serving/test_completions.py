"""The allow-list of the gateway."""

import json
from typing import Any

import pytest

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
    sent = forwarded(read(asked(**listed)), "smol", "salt")
    assert sent == {**ASKED, **listed, "model": "smol", "cache_salt": "salt"}


def test_a_stream_is_always_counted_and_the_user_field_goes_no_further() -> None:
    body = read(asked(stream=True, user="alice"))
    assert not body.wants_usage
    sent = forwarded(body, "smol", "salt")
    assert sent["stream_options"] == {"include_usage": True}
    assert "user" not in sent
    assert read(asked(stream=True, stream_options={"include_usage": True})).wants_usage


def test_text_in_parts_is_taken() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
    assert forwarded(read(asked(messages=[message])), "m", "s")["messages"] == [message]


def part(**fields: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, fields]}]}


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
        (part(type="image_url", image_url={"url": "http://169.254.169.254/"}), "messages.0.content.1"),
        (part(type="image_url", image_url={"url": "file:///etc/passwd"}), "messages.0.content.1"),
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
    ],
)
def test_what_is_not_listed_is_refused_by_name(fields: dict[str, object], named: str) -> None:
    with pytest.raises(FieldRefused, match=named) as told:
        read(asked(**fields))
    assert told.value.status == 400


def test_a_schema_nested_without_end_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(20):
        deep = {"items": deep}
    with pytest.raises(FieldRefused, match="nested"):
        read(asked(response_format=schema(deep)))


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"model": "\\ud800"}', b'{"temperature": NaN}', b"[" * 100_000],
)
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    with pytest.raises(FieldRefused):
        read(raw)
