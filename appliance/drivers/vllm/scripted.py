"""An engine without a model: it takes vLLM's arguments and speaks vLLM's HTTP, and says what it is told to say.

``python -m appliance.drivers.vllm.scripted --uds PATH --served-model-name NAME …`` stands in for vLLM wherever a test
or a bench is about what surrounds the engine. It answers with what stands after ``say:`` in the last message, or with
that message, one word a chunk. ``pause:S`` on a line of its own waits S seconds before each word, ``status:N`` refuses
with that status, ``die:`` ends the process in the middle of the answer, ``who:`` has it say the
model's name, ``call:NAME {…}`` calls a tool.
"""

import argparse
import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from appliance.drivers.vllm.saying import CHAT, TEXT, Form, Script, asked, counts, script, usage

_METRICS = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{engine="0",model_name="{name}"}} {running}
# HELP vllm:lora_requests_info Running stats on lora requests.
# TYPE vllm:lora_requests_info gauge
vllm:lora_requests_info{{max_lora="2",running_lora_adapters="{name}",waiting_lora_adapters=""}} 1
"""


class Scripted:
    """The server's state: what it was asked, and what was aborted."""

    def __init__(self, names: tuple[str, ...], key: str, limit: int) -> None:
        self.names = names
        self.adapters: dict[str, str] = {}
        self.limit = limit
        self.requests: list[dict[str, Any]] = []
        self.aborted = 0
        self.running = 0
        self._key = key

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/metrics", self._metrics),
                Route("/scripted", self._seen),
                Route("/v1/models", self._models),
                Route("/v1/load_lora_adapter", self._load, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self._unload, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/completions", self._complete, methods=["POST"]),
            ]
        )

    async def _health(self, _request: Request) -> Response:
        return Response()

    async def _metrics(self, _request: Request) -> Response:
        return PlainTextResponse(_METRICS.format(name=self.names[0], running=self.running))

    async def _seen(self, _request: Request) -> Response:
        return JSONResponse(
            {"requests": self.requests, "aborted": self.aborted, "running": self.running, "adapters": self.adapters}
        )

    async def _models(self, request: Request) -> Response:
        if not self._keyed(request):
            return _error(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        return JSONResponse({"object": "list", "data": [{"id": name} for name in (*self.names, *self.adapters)]})

    async def _load(self, request: Request) -> Response:
        if not self._keyed(request):
            return _error(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        body = await request.json()
        name, path = body["lora_name"], body["lora_path"]
        if name in self.adapters or path in self.adapters.values():
            return _error(HTTPStatus.BAD_REQUEST, f"The lora adapter '{name}' has already been loaded.")
        if not (Path(path) / "adapter_config.json").exists():
            return _error(HTTPStatus.NOT_FOUND, f"No adapter found for {path}")
        self.adapters[name] = path
        return Response(f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, request: Request) -> Response:
        if not self._keyed(request):
            return _error(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        name = (await request.json())["lora_name"]
        if self.adapters.pop(name, None) is None:
            return _error(HTTPStatus.NOT_FOUND, f"The lora adapter '{name}' cannot be found.")
        return Response(f"Success: LoRA adapter '{name}' removed successfully.")

    def _keyed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self._key}"

    async def _chat(self, request: Request) -> Response:
        return await self._answer(request, CHAT)

    async def _complete(self, request: Request) -> Response:
        return await self._answer(request, TEXT)

    async def _answer(self, request: Request, form: Form) -> Response:
        if not self._keyed(request):
            return _error(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        body: dict[str, Any] = await request.json()
        if form is CHAT or "cache_salt" in body:  # else it is the host's own, which warms an engine up
            self.requests.append(body)
        if body["model"] not in self.names and body["model"] not in self.adapters:
            return _error(HTTPStatus.NOT_FOUND, f"The model `{body['model']}` does not exist.")
        if self.running >= self.limit:
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, "Request queue full")
        told = script(asked(body).replace("who:", f"say:{body['model']}"))
        if told.status != HTTPStatus.OK:
            return _error(told.status, "as told")
        if body.get("stream"):
            return StreamingResponse(self._stream(body, told, form), media_type="text/event-stream")
        words = [word async for word in self._say(body, told)]
        whole = form.whole(body, "".join(words), told)
        return JSONResponse({**whole, "usage": usage(body, len(words)), "metrics": {"queue_time_ms": 0.0}})

    async def _say(self, body: dict[str, Any], told: Script) -> AsyncIterator[str]:
        self.running += 1
        done = False
        try:
            for number, word in enumerate(told.words[: body.get("max_tokens")]):
                await asyncio.sleep(told.pause)
                yield f" {word}" if number else word
                if told.die:
                    os.kill(os.getpid(), signal.SIGKILL)
            done = True
        finally:
            self.running -= 1
            self.aborted += not done

    async def _stream(self, body: dict[str, Any], told: Script, form: Form) -> AsyncIterator[str]:
        count = 0
        async for word in self._say(body, told):
            count += 1
            yield _event(form.chunks(body, word), counts(body, count))
        yield _event(form.last(body, told), counts(body, count))
        if (body.get("stream_options") or {}).get("include_usage"):
            last = {**form.last(body, told), "choices": [], "metrics": {"queue_time_ms": 0.0}}
            yield _event(last, usage(body, count))
        yield "data: [DONE]\n\n"


def _event(chunk: dict[str, Any], counted: dict[str, Any] | None) -> str:
    """A chunk as vLLM writes it: without spaces, its count at the end."""
    told = chunk if counted is None else {**chunk, "usage": counted}
    return f"data: {json.dumps(told, separators=(',', ':'))}\n\n"


def _error(status: int, message: str) -> Response:
    error = {"message": message, "type": HTTPStatus(status).phrase, "param": None, "code": status}
    return JSONResponse({"error": error}, status_code=status)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uds")
    parser.add_argument("--port", type=int)
    parser.add_argument("--served-model-name", nargs="+", required=True)
    parser.add_argument("--max-num-queued-reqs", type=int, default=1000)
    given, _ = parser.parse_known_args()
    state = Scripted(tuple(given.served_model_name), os.environ.get("VLLM_API_KEY", ""), given.max_num_queued_reqs)
    where = {"uds": given.uds} if given.uds else {"host": "127.0.0.1", "port": given.port}
    uvicorn.run(state.application(), **where, log_level="warning", timeout_graceful_shutdown=5)


if __name__ == "__main__":
    main()
