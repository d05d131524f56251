"""The real engine behind the whole appliance: serving the official client, killed, asked what it must not be asked."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import openai
import pytest

from appliance.catalog import fit, shape
from appliance.catalog.cache import Engine, capacity
from appliance.drivers.vllm.arguments import EngineSettings
from appliance.drivers.vllm.control import probe
from appliance.drivers.vllm.port import Health
from appliance.kit.leash import family
from tests.factories.appliance import Appliance, gone, wait

pytestmark = pytest.mark.vllm

ROUTE = "default"
MODEL = "smollm2-135m-instruct"
ENCODER = "all-minilm-l6-v2"
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
"""127.0.0.1, ::1 and the one written as the other, as the kernel prints them. Torch's rendezvous keeps such ports."""
BACK_SECONDS = 540
"""A start with warm caches takes about a minute on a quiet machine, and five on one with six times too much to do."""


@pytest.fixture
def client(appliance: Appliance) -> Iterator[openai.OpenAI]:
    url = f"http://127.0.0.1:{appliance.port}/v1"
    with openai.OpenAI(base_url=url, api_key=appliance.key(), max_retries=0, timeout=120) as client:
        yield client


def asked(content: str) -> list[Any]:
    return [{"role": "user", "content": content}]


def state(appliance: Appliance) -> object:
    return appliance.value("select actual from deployments")


def test_the_official_client_lists_streams_and_counts(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [ROUTE, MODEL, ENCODER]
    stream = client.chat.completions.create(
        model=ROUTE,
        messages=asked("What is the capital of France? Answer in one word."),
        temperature=0,
        max_tokens=20,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Paris" in text
    assert len(chunks) > 3
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_the_same_question_gets_the_same_answer_whole(appliance: Appliance, client: openai.OpenAI) -> None:
    messages = asked("Say hello in English.")
    first, second = (
        client.chat.completions.create(model=MODEL, messages=messages, temperature=0, max_tokens=12) for _ in range(2)
    )
    assert first.choices[0].message.content == second.choices[0].message.content != ""
    assert first.usage is not None
    query = "select completion_tokens from usage_records where route = %s order by started_at desc limit 1"
    wait(lambda: appliance.value(query, MODEL) == first.usage.completion_tokens, 10, "usage drained")  # type: ignore[union-attr] # it has usage


def test_the_planner_counts_the_tokens_that_the_engine_reports(appliance: Appliance) -> None:
    logs = "".join(path.read_text(errors="replace") for path in appliance.layout.logs.glob("engine-*.log*"))
    told = re.findall(r"KV cache size: ([\d,]+) tokens", logs)
    directory = Path(str(appliance.value("select directory from model_versions where name = %s", MODEL)))
    numbers = re.findall(r"dtype=torch\.(\w+)", logs)
    engine = EngineSettings()
    planned = capacity(
        shape.of(json.loads((directory / "config.json").read_text())),
        Engine("cpu", engine.context, fit.NUMBERS[numbers[0]], 1, fit.BATCHED["cpu"]),
        engine.cache_gib * fit.GIB,
    )
    assert int(told[0].replace(",", "")) == pytest.approx(planned, rel=0.05)


def test_an_answer_takes_the_form_that_was_asked_for(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=ROUTE,
        messages=asked("Which city is the capital of Italy?"),
        response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema}},
        temperature=0,
        max_tokens=30,
    )
    told = json.loads(answer.choices[0].message.content or "")
    assert told.keys() == {"city"}
    assert told["city"] in ("Paris", "Rome")


@pytest.mark.parametrize(
    "field",
    [
        {"prompt_embeds": "AAAA"},
        {"chat_template": "{{ 1 }}"},
        {"chat_template_kwargs": {"x": 1}},
        {"cache_salt": "mine"},
        {"documents": []},
    ],
    ids=lambda field: next(iter(field)),
)
def test_a_field_that_was_a_way_in_is_refused_by_name(client: openai.OpenAI, field: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError, match=next(iter(field))):
        client.chat.completions.create(model=ROUTE, messages=asked("hi"), max_tokens=1, extra_body=field)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.png", "file:///etc/passwd"])
def test_no_address_reaches_the_engine(client: openai.OpenAI, url: str) -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    with pytest.raises(openai.BadRequestError, match=r"messages\.0\.content\.0"):
        client.chat.completions.create(model=ROUTE, messages=[message], max_tokens=1)  # type: ignore[list-item] # wrong on purpose


def test_more_than_the_context_holds_is_refused_and_the_engine_lives(client: openai.OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model=ROUTE, messages=asked("word " * 20_000), max_tokens=1)
    assert client.chat.completions.create(model=ROUTE, messages=asked("hi"), max_tokens=1).choices


def test_nobody_outside_this_machine_reaches_a_port_of_the_engine(appliance: Appliance) -> None:
    tree = family(int(str(appliance.value("select pid from replicas"))))
    held = {str(file.readlink()) for pid in tree for file in Path(f"/proc/{pid}/fd").iterdir()}
    where = {address.partition(":")[0] for address, inode in _listening() if f"socket:[{inode}]" in held}
    assert where <= LOOPBACK


def _listening() -> list[tuple[str, str]]:
    """Address and inode of every TCP socket of this machine that listens."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [(line[1], line[9]) for line in lines if line[3] == "0A"]


def test_kill_9_of_the_engine_is_a_503_with_retry_after_and_then_it_is_back_by_itself(
    appliance: Appliance, client: openai.OpenAI
) -> None:
    pid = int(str(appliance.value("select pid from replicas")))
    deployment = UUID(str(appliance.value("select id from replicas")))
    tree = [pid, *family(pid)]
    assert len(tree) > 1, "vLLM's engine core is a process of its own"
    os.kill(pid, signal.SIGKILL)
    gone(tree, 10)
    with pytest.raises(openai.InternalServerError) as told:
        client.chat.completions.create(model=ROUTE, messages=asked("hi"), max_tokens=1)
    assert told.value.status_code == 503
    assert int(told.value.response.headers["retry-after"]) > 0
    back = "select actual = 'running' and restarts = 1 from deployments"  # the row may still say what was before
    wait(lambda: bool(appliance.value(back)), BACK_SECONDS, "the engine runs again")
    assert probe(appliance.layout.engine_socket(deployment)) is Health.WELL
    wait(lambda: _answers(client), 10, "the engine answers again")


def _answers(client: openai.OpenAI) -> bool:
    try:
        return bool(client.chat.completions.create(model=ROUTE, messages=asked("hi"), max_tokens=1).choices)
    except openai.InternalServerError:
        return False
