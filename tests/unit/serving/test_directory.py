"""Whether a route can be asked, as its last report tells."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.drivers.vllm.port import EngineDown
from appliance.kit.ids import uuid7
from appliance.serving.routing import Replica
from appliance.serving.target import Target

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


def target(actual: str, reason: str | None, seen: float | None) -> Target:
    seen_at = None if seen is None else NOW - timedelta(seconds=seen)
    return Target(
        "default", uuid7(), "m", "d", frozenset({"en"}), 4096, actual, reason, seen_at, NOW, "m@d", (Replica(uuid7()),)
    )


def test_a_running_engine_that_was_seen_just_now_can_be_asked() -> None:
    target("running", None, 5).check(NOW)


@pytest.mark.parametrize(
    ("actual", "reason", "seen", "told"),
    [
        ("running", None, None, "does not report"),
        ("running", None, 31, "does not report"),
        ("starting", "loads its weights", 1, "the engine is starting: loads its weights"),
        ("backing_off", None, 1, "the engine is backing off"),
        ("failed", "tampered", 1, "the engine is failed: tampered"),
    ],
)
def test_any_other_says_why_not_and_when_to_come_again(
    actual: str, reason: str | None, seen: float | None, told: str
) -> None:
    with pytest.raises(EngineDown, match=told) as error:
        target(actual, reason, seen).check(NOW)
    assert error.value.retry_after
