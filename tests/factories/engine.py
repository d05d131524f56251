"""An engine inside the test's own process: it says its words as vLLM does, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from appliance.drivers.vllm.port import EngineDown


@dataclass(slots=True)
class Spoken:
    """What an engine says: ``words`` one a chunk. ``breaks``: it dies after them; ``hangs``: it never goes on."""

    words: tuple[str, ...]
    breaks: bool = False
    hangs: bool = False
    status: int = 200

    async def body(self) -> bytes:
        """All of it, as an error would come."""
        return json.dumps({"error": {"message": "as told"}}).encode()

    async def chunks(self) -> AsyncIterator[bytes]:
        """As events."""
        for number, word in enumerate(self.words):
            text = f" {word}" if number else word
            yield f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n".encode()
        if self.hangs:
            await asyncio.Event().wait()
        if self.breaks:
            raise EngineDown("it died")
        yield b"data: [DONE]\n\n"


@dataclass(slots=True)
class SpokenUpstream:
    """The way to it. ``asked``: the bodies that came; ``left``: how many were ended; ``watch`` is called at each."""

    says: Spoken
    asked: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0
    watch: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def post(self, path: str, body: dict[str, Any]) -> AsyncIterator[Spoken]:
        """Begin an answer."""
        assert path == "/v1/chat/completions"
        self.asked.append(body)
        self.watch()
        try:
            yield self.says
        finally:
            self.left += 1

    async def close(self) -> None:
        """Nothing is held open."""
