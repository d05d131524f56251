"""Clients that others wrote, unmodified: what they send is taken, and what they are answered they understand."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

from appliance.drivers.encoder.hashed import HashedEncoder
from appliance.drivers.encoder.server import EncoderServer
from appliance.serving.deployments import Deployment
from appliance.serving.routes import DEFAULT
from tests.factories import node
from tests.factories.models import ENCODER, LANGUAGE
from tests.factories.processes import uncounted, until
from tests.integration.serving.conftest import Engines, Gateway
from tests.integration.serving.test_gateway import seen

NODE = Path(__file__).parent / "node"
USER = "user"


def said(content: str) -> list[Any]:
    return [{"role": USER, "content": content}]


class City(BaseModel):
    """A city."""

    name: str
    people: int


LOOK: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.fixture
def encoder(gateway: Gateway, engines: Engines) -> Iterator[None]:
    """The encoder's process, as a double of it on its socket."""
    found = HashedEncoder()
    server = EncoderServer(engines.settings.layout.encoder_socket, found)
    server.start()
    server.ready(found)
    yield
    server.close()


def test_openai_for_python(engine: Deployment, gateway: Gateway) -> None:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.one, max_retries=0) as client:
        parsed = client.chat.completions.parse(
            model=DEFAULT, messages=said('say: {"name":"Rome","people":3}'), response_format=City
        )
        assert parsed.choices[0].message.parsed == City(name="Rome", people=3)
        with client.chat.completions.stream(
            model=DEFAULT, messages=said('call:look {"at":1}'), tools=[LOOK], tool_choice="required"
        ) as stream:
            (call,) = stream.get_final_completion().choices[0].message.tool_calls or []
        assert (call.function.name, call.function.arguments) == ("look", '{"at":1}')
        sampled = client.chat.completions.create(
            model=DEFAULT,
            messages=said("say: a b"),
            n=4,
            seed=7,
            stop=["\n"],
            logprobs=True,
            top_logprobs=2,
            temperature=0.5,
        )
        assert [choice.message.content for choice in sampled.choices] == ["a b"] * 4
        assert sampled.choices[0].logprobs is not None
        with pytest.raises(openai.BadRequestError, match="n: "):
            client.chat.completions.create(model=DEFAULT, messages=said("hi"), n=5)


def test_openai_for_python_async(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    async def run() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.one, max_retries=0) as client:
            whole = await client.chat.completions.create(model=DEFAULT, messages=said("say: one two"))
            stream = await client.chat.completions.create(model=DEFAULT, messages=said("say: a b"), stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            left = await client.chat.completions.create(
                model=DEFAULT, messages=said("pause:0.05\nsay: " + "word " * 2000), stream=True
            )
            async with left:
                await anext(aiter(left))
        return whole.choices[0].message.content or "", "".join(pieces)

    assert asyncio.run(run()) == ("one two", "a b")
    until(lambda: seen(engines, engine)["aborted"] == 1)


def test_openai_for_node(engines: Engines, engine: Deployment, gateway: Gateway, encoder: None) -> None:
    done = node.run(NODE, "client.mjs", BASE_URL=f"{gateway.url}/v1", KEY=gateway.one, ENCODER=ENCODER)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "models": [DEFAULT, LANGUAGE, ENCODER],
        "whole": "one two",
        "streamed": "three four",
        "usage": 2,
        "call": {"name": "look", "arguments": '{"at":"tree"}'},
        "width": 384,
        "refused": {"status": 400, "code": "field_refused", "param": "prompt_embeds"},
    }
    until(lambda: seen(engines, engine)["aborted"] == 1)


def test_langchain(engine: Deployment, gateway: Gateway, encoder: None) -> None:
    where: dict[str, Any] = {"base_url": f"{gateway.url}/v1", "api_key": SecretStr(gateway.one), "max_retries": 0}
    chat = ChatOpenAI(model_name=DEFAULT, temperature=0, **where)
    assert chat.invoke("say: one two").content == "one two"
    pieces = list(chat.stream("say: three four", stream_usage=True))
    assert "".join(str(piece.content) for piece in pieces) == "three four"
    counted = [piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata]
    assert sum(counted) == 2, "counts of chunks are added up: only one may come"
    asked = HumanMessage('call:look {"at":"tree"}')
    called = chat.bind_tools([LOOK], tool_choice="required").invoke([asked])
    assert isinstance(called, AIMessage)
    (call,) = called.tool_calls
    assert (call["name"], call["args"]) == ("look", {"at": "tree"})
    told = chat.bind_tools([LOOK]).invoke([asked, called, ToolMessage("say: green", tool_call_id=call["id"])])
    assert told.content == "green"
    structured = chat.with_structured_output(City, method="json_schema")
    assert structured.invoke('say: {"name":"Rome","people":3}') == City(name="Rome", people=3)
    embeddings = OpenAIEmbeddings(model=ENCODER, check_embedding_ctx_length=False, **where)
    assert [len(vector) for vector in embeddings.embed_documents(["a tree", "a house"])] == [384, 384]


def test_llm(engine: Deployment, gateway: Gateway, tmp_path: Path) -> None:
    models = f"- model_id: ours\n  model_name: {DEFAULT}\n  api_base: {gateway.url}/v1\n  api_key_name: ours\n"
    (tmp_path / "extra-openai-models.yaml").write_text(models)
    env = {**uncounted(), "LLM_USER_PATH": str(tmp_path)}

    def run(*arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("llm")), *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run("keys", "set", "ours", "--value", gateway.one)
    assert run("-m", "ours", "say: one two") == "one two"
    assert run("-m", "ours", "--no-stream", "say: three four") == "three four"
    assert run("-m", "ours", "-s", "Be brief.", "-o", "temperature", "0", "say: five") == "five"
