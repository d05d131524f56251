"""Quotas and usage through the gateway: reserved before the engine hears of it, settled with what it counted."""

from typing import Any

import pytest

from appliance.kit.settings import BrokerSettings, Settings
from appliance.serving.deployments import Deployment
from tests.factories.processes import until
from tests.integration.serving.conftest import Engines, Gateway
from tests.integration.serving.test_gateway import PATH, asked, seen


@pytest.fixture
def served(served: Settings, valkey: str) -> Settings:
    """With the session's Valkey."""
    return served.model_copy(update={"broker": BrokerSettings(url=valkey)})


def limit(gateway: Gateway, **amounts: int) -> None:
    """A quota of the first tenant."""
    with gateway.client(gateway.operator) as client:
        path = f"/api/v1/tenants/{gateway.tenants[0]}/quotas"
        assert client.post(path, json={"kind": "tenant", **amounts}).status_code == 201


def rows(engines: Engines, query: str) -> list[Any]:
    with engines.databases.system.session() as session:
        return list(session.connection().exec_driver_sql(query).all())


@pytest.mark.parametrize("stream", [False, True])
def test_over_a_quota_the_engine_hears_of_nothing_and_the_caller_of_all(
    engines: Engines, engine: Deployment, gateway: Gateway, stream: bool
) -> None:
    limit(gateway, tokens_per_day=500)
    with gateway.client() as client:
        assert client.post(PATH, json=asked("say: one two", max_tokens=20, stream=stream)).status_code == 200
        until(lambda: rows(engines, "select spent from quota_windows") == [(5,)])
        refused = client.post(PATH, json=asked("say: one two", max_tokens=480, stream=stream))
    told = refused.json()
    assert (refused.status_code, told["code"], told["error"]["code"]) == (429, "over_quota", "over_quota")
    assert told["quota"]["limit"] == 500
    assert told["quota"]["resets_at"] > "2026"
    assert int(refused.headers["retry-after"]) >= 1
    assert len(seen(engines, engine)["requests"]) == 1
    with gateway.client(gateway.two) as other:
        assert other.post(PATH, json=asked("say: hi", max_tokens=480)).status_code == 200


def test_who_names_no_length_is_answered_within_what_is_left(
    engines: Engines, engine: Deployment, gateway: Gateway
) -> None:
    limit(gateway, tokens_per_day=450)
    with gateway.client() as client:
        assert client.post(PATH, json=asked("say: one two")).status_code == 200
    (sent,) = seen(engines, engine)["requests"]
    assert 64 <= sent["max_tokens"] < 450 - 256


def test_an_aborted_stream_is_settled_and_its_slot_free(engines: Engines, engine: Deployment, gateway: Gateway) -> None:
    limit(gateway, tokens_per_month=100_000, concurrent_requests=1)
    slow = asked("pause:0.05\nsay: " + "word " * 2000, max_tokens=3000, stream=True)
    with gateway.client() as client:
        with client.stream("POST", PATH, json=slow) as answer:
            assert answer.status_code == 200, answer.read()
            pieces = answer.iter_bytes()  # kept: a dropped one would end the stream
            next(pieces)
            busy = client.post(PATH, json=asked("say: hi", max_tokens=5))
            assert busy.status_code == 429, busy.text
            assert busy.json()["quota"]["measure"] == "concurrent_requests"
        until(lambda: client.post(PATH, json=asked("say: hi", max_tokens=5)).status_code == 200)
    query = "select outcome, prompt_tokens + completion_tokens, gpu_seconds from usage_records order by started_at"
    until(lambda: len(rows(engines, query)) == 2)
    aborted, done = rows(engines, query)
    assert (aborted[0], done[0]) == ("aborted", "done")
    assert aborted[1] > 2000  # its prompt, and what it was sent until then
    assert min(aborted[2], done[2]) > 0
    until(lambda: rows(engines, "select spent from quota_windows") == [(aborted[1] + done[1],)])


def test_each_answer_is_audited_with_its_request_and_no_content(
    engines: Engines, engine: Deployment, gateway: Gateway
) -> None:
    with gateway.client() as client:
        answer = client.post(PATH, json=asked("say: very secret"))
    query = "select request_id, source, object, details::text from audit_entries where action = 'inference'"
    until(lambda: len(rows(engines, query)) == 1)
    ((request_id, source, subject, details),) = rows(engines, query)
    assert (request_id, source) == (answer.headers["x-request-id"], "127.0.0.1")
    assert rows(engines, "select request_id::text from usage_records") == [(subject,)]
    assert "secret" not in details
