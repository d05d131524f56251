"""The bare pass-through: Starlette and aiohttp, a key's hash looked up, the body parsed and written again, no more.

``python -m bench.gateway.bare --uds PATH --port N``: to the same engine over the same socket, under uvicorn as it comes
(uvloop and httptools), its connections kept.
"""

import argparse
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

KEY = "sk-bench"
_KNOWN = {hashlib.sha256(KEY.encode()).digest(): "bench"}
PATH = "/v1/chat/completions"


def application(uds: str, engine_key: str) -> Starlette:
    """The application before one engine."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.UnixConnector(uds, limit=0)
        headers = {"authorization": f"Bearer {engine_key}"}
        async with aiohttp.ClientSession("http://engine", connector=connector, headers=headers) as session:
            app.state.session = session
            yield

    async def completions(request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if hashlib.sha256(token.encode()).digest() not in _KNOWN:
            return Response(status_code=401)
        body = json.loads(await request.body())
        session: aiohttp.ClientSession = request.app.state.session
        upstream = await session.post(PATH, json=body)
        if body.get("stream"):
            return StreamingResponse(_passed(upstream), media_type="text/event-stream")
        return Response(await upstream.read(), upstream.status, media_type="application/json")

    return Starlette(routes=[Route(PATH, completions, methods=["POST"])], lifespan=lifespan)


async def _passed(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in upstream.content.iter_any():
        yield chunk


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uds", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--engine-key", default="")
    given = parser.parse_args()
    uvicorn.run(application(given.uds, given.engine_key), port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
