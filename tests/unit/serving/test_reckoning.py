"""The bound of a request is never below what an engine could count, and never asks an engine for more than granted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.serving.reckoning import TEMPLATE, UNNAMED, bounded, wanted

CONTEXT = 4096


def chat(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a body's members
    return {"messages": [{"role": "user", "content": text}], **more}


@given(text=st.text(max_size=400))
def test_the_prompt_is_bounded_by_its_bytes(text: str) -> None:
    assert wanted(chat(text, max_tokens=1), CONTEXT).most >= len(text.encode(errors="surrogatepass")) + 1


def test_a_named_length_is_needed_whole() -> None:
    found = wanted(chat("hello", max_tokens=100), CONTEXT)
    assert found.least == found.most
    assert found.most - wanted(chat("hello", max_tokens=1), CONTEXT).most == 99
    assert wanted(chat("hello", max_tokens=100, n=3), CONTEXT).most == found.most + 200


@pytest.mark.parametrize("n", [1, 2, 4])
def test_nothing_passes_the_context(n: int) -> None:
    for body in (chat("x" * 50_000, n=n), chat("x", n=n), chat("x", n=n, max_tokens=10**6)):
        found = wanted(body, CONTEXT)
        assert found.least <= found.most <= n * CONTEXT


@given(granted=st.integers(0, 3 * CONTEXT), n=st.integers(1, 4), size=st.integers(0, 6000))
def test_without_a_length_the_engine_is_held_to_what_was_granted(granted: int, n: int, size: int) -> None:
    body = chat("x" * size, n=n)
    need = wanted(body, CONTEXT)
    if not need.least <= granted <= need.most:
        return
    sent = bounded(body, CONTEXT, granted)
    if sent is body:
        assert granted >= n * CONTEXT
        return
    prompt = min(size + TEMPLATE, CONTEXT)
    assert sent["max_tokens"] >= 1
    assert prompt + n * sent["max_tokens"] <= max(granted, prompt + n)
    assert sent["max_tokens"] == 1 or prompt + sent["max_tokens"] <= CONTEXT


def test_a_named_length_is_sent_as_it_is() -> None:
    for body in (chat("x", max_tokens=5), chat("x", max_completion_tokens=5), {"prompt": "x"}):
        assert bounded(body, CONTEXT, 10) is body


def test_plain_completions_are_bounded_by_all_of_their_prompts() -> None:
    one = wanted({"prompt": "x" * 3_000}, CONTEXT)
    assert one.least == one.most
    assert one.most - wanted({"prompt": "x" * 3_000, "max_tokens": 1}, CONTEXT).most == UNNAMED - 1
    assert wanted({"prompt": ["x" * 3_000] * 4}, CONTEXT).most > 12_000 > CONTEXT
    assert wanted({"prompt": ["x" * 9_000] * 4, "n": 2}, CONTEXT).most <= 8 * CONTEXT
