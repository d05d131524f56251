"""The scripted engine does what vLLM was seen to do, so that what is tested against it holds for vLLM."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from appliance.drivers.vllm.client import SocketUpstream
from appliance.drivers.vllm.control import probe
from appliance.drivers.vllm.port import EngineDown, Health
from appliance.drivers.vllm.saying import Script, script
from appliance.drivers.vllm.scripted import Scripted
from appliance.serving.events import Counted, Meter, usage
from tests.factories.processes import until

KEY = {"authorization": "Bearer key"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("hello there", Script(("hello", "there"), 0, 200, die=False)),
        ("pause:0.5\nsay: a b", Script(("a", "b"), 0.5, 200, die=False)),
        ("status:503", Script(("status:503",), 0, 503, die=False)),
        ("die:\nsay: a", Script(("a",), 0, 200, die=True)),
        ('call:look {"at": 1}', Script((), 0, 200, die=False, call=("look", '{"at": 1}'))),
    ],
)
def test_a_message_is_a_script(message: str, expected: Script) -> None:
    assert script(message) == expected


@pytest.fixture
def scripted() -> TestClient:
    return TestClient(Scripted(("tiny",), "key", 1).application())


def asked(content: str, **fields: object) -> dict[str, Any]:
    return {"model": "tiny", "messages": [{"role": "user", "content": content}], **fields}


def test_it_answers_whole(scripted: TestClient) -> None:
    answer = scripted.post("/v1/chat/completions", json=asked("say: a b c", max_tokens=2), headers=KEY)
    assert answer.json()["choices"][0]["message"]["content"] == "a b"
    assert usage(answer.content) == Counted(4, 2, cached=1, queued=0.0)


@pytest.mark.parametrize("counted", [True, False])
def test_it_streams(scripted: TestClient, *, counted: bool) -> None:
    body = asked("say: a b", stream=True, stream_options={"include_usage": counted})
    events = scripted.post("/v1/chat/completions", json=body, headers=KEY).content.split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    meter = Meter()
    for event in events[:-2]:
        meter.see(event + b"\n\n")
    assert (meter.counted() == Counted(3, 2, cached=1, queued=0.0)) is counted
    assert "".join(json.loads(event[6:])["choices"][0]["delta"]["content"] for event in events[:3]) == "a b"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (asked("hello"), {}, 401),
        ({**asked("hello"), "model": "other"}, KEY, 404),
        (asked("status:418"), KEY, 418),
        (asked("hello"), KEY, 200),
    ],
)
def test_it_refuses_as_vllm_does(
    scripted: TestClient, body: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    answer = scripted.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == status
    assert ("error" in answer.json()) == (status != 200)
    assert scripted.get("/scripted").json()["running"] == 0


def test_a_process_of_it_is_well_until_it_ends(short: Path) -> None:
    path = short / "engine.sock"
    assert probe(path) is Health.SILENT
    command = [
        sys.executable,
        "-m",
        "appliance.drivers.vllm.scripted",
        "--uds",
        str(path),
        "--served-model-name",
        "tiny",
    ]
    process = subprocess.Popen([*command, "--model", "ignored"])
    try:
        until(lambda: probe(path) is Health.WELL, 30)
        process.send_signal(signal.SIGSTOP)
        assert probe(path, 0.2) is Health.SILENT
    finally:
        process.kill()
        process.wait()
    assert probe(path) is Health.SILENT


def test_an_engine_that_says_that_it_is_broken_is_dead(short: Path) -> None:
    async def run() -> Health:
        path = short / "engine.sock"

        async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")  # who answers and hangs up before the question breaks the asker's pipe
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_unix_server(broken, path):
            return await asyncio.get_running_loop().run_in_executor(None, probe, path)

    assert asyncio.run(run()) is Health.DEAD


@pytest.mark.parametrize("way", ["body", "chunks"])
def test_an_engine_that_breaks_off_is_down(short: Path, way: str) -> None:
    async def run() -> None:
        path = short / "engine.sock"

        async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            await writer.drain()
            writer.close()

        upstream = SocketUpstream(path, "key")
        try:
            async with await asyncio.start_unix_server(breaks, path), upstream.post("/v1/x", {}) as answer:
                assert answer.status == 200
                if way == "body":
                    await answer.body()
                async for _ in answer.chunks():
                    pass
        finally:
            await upstream.close()

    with pytest.raises(EngineDown):
        asyncio.run(run())
