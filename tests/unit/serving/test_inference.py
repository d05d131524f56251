"""What an engine's status means to the caller."""

import pytest

from appliance.drivers.vllm.port import EngineDown
from appliance.serving.errors import EngineFull, EngineRefused
from appliance.serving.inference import refusal


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
