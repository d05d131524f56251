"""What an engine's status means to the caller."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid5

import pytest

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.drivers.vllm.port import EngineDown
from appliance.serving.errors import EngineFull, EngineRefused
from appliance.serving.inference import Asker, Inference, refusal
from appliance.usage.journal import UsageRecord
from tests.factories.points import NAMES
from tests.unit.serving.test_directory import target


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (503, b'{"error": {"message": "busy"}}', EngineFull, "busy"),
        (400, b'{"error": {"message": "too long"}}', EngineRefused, "too long"),
        (422, b"", EngineRefused, "status 422"),
        (401, b"[]", EngineDown, "status 401"),
        (500, b'{"error": "x"}', EngineDown, "status 500"),
    ],
)
def test_a_status_is_told_in_our_terms(status: int, body: bytes, kind: type[Exception], told: str) -> None:
    found = refusal(status, body)
    assert type(found) is kind
    assert told in str(found)


PRINCIPAL = Principal(TenantId(uuid5(NAMES, "tenant")), UserId(uuid5(NAMES, "user")), Role.MEMBER, "Member")


class Breaking:
    """An engine that closes its answer in good order, but before its end."""

    status = 200

    @asynccontextmanager
    async def post(self, path: str, body: dict[str, Any]) -> AsyncIterator["Breaking"]:
        assert (path, body) == ("/v1/chat/completions", {"stream": True})
        yield self

    async def body(self) -> bytes:
        return b""

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b'data: {"choices":[{"index":0,"delta":{"content":"half"}}],"usage":{"completion_tokens":1}}\n\n'


def test_an_answer_without_its_end_is_no_answer_and_what_it_used_is_recorded() -> None:
    records: list[UsageRecord] = []

    async def run() -> list[bytes]:
        asker = Asker(PRINCIPAL, records.append)
        with Inference(target("running", None, 1), asker, 0.0) as inference:
            async with Breaking().post("/v1/chat/completions", {"stream": True}) as answer:
                await inference.hear(answer)
                return [event async for event in inference.pieces()]

    with pytest.raises(EngineDown, match="broke off"):
        asyncio.run(run())
    assert [(record.outcome, record.completion_tokens) for record in records] == [("failed", 1)]
