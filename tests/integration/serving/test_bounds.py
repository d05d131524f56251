"""What bounds an engine's work: the licence before it starts, the deadline while it answers."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from appliance.kit.settings import GatewaySettings
from appliance.licensing.entitlement import entitled
from appliance.licensing.states import Standing, State
from appliance.serving.deployments import Deployment
from tests.factories.processes import until
from tests.integration.serving.conftest import Engines, Gateway, serving
from tests.integration.serving.test_gateway import PATH, asked, seen
from tests.unit.licensing.test_states import LICENCE

SLOW = "pause:0.05\nsay: " + "word " * 200


@pytest.fixture
def hasty(engines: Engines, engine: Deployment, gateway: Gateway) -> Iterator[Gateway]:
    """A gateway that gives an answer a second."""
    settings = engines.settings.model_copy(update={"gateway": GatewaySettings(answer_seconds=1)})
    with serving(settings) as url:
        yield replace(gateway, url=url)


def test_weights_that_the_licence_does_not_name_are_never_started(engines: Engines) -> None:
    engines.entitled = lambda: entitled(Standing(State.VALID, State.VALID, None), LICENCE)
    with engines.running():
        row = engines.until("failed")
    assert row.pid is None
    assert row.reason is not None
    assert f"the licence does not name {row.version.name}, version {row.version.digest[:12]}" in row.reason


def test_an_answer_that_takes_too_long_is_given_up_and_the_engine_stops(
    engines: Engines, engine: Deployment, hasty: Gateway
) -> None:
    with hasty.client() as client:
        late = client.post(PATH, json=asked(SLOW))
        assert (late.status_code, late.json()["error"]["code"]) == (503, "deadline_passed")
        assert int(late.headers["retry-after"]) > 0
        with client.stream("POST", PATH, json=asked(SLOW, stream=True)) as stream:
            assert stream.status_code == 200
            events = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
    assert "word" in "".join(events[:-1])
    error = json.loads(events[-1])["error"]
    assert (error["type"], error["code"]) == ("deadline_passed", 503)
    until(lambda: seen(engines, engine)["aborted"] == 1)


def test_who_leaves_in_the_middle_of_his_request_is_no_error_of_ours(gateway: Gateway) -> None:
    """It was logged as one, with a traceback."""
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gateway.one}\r\ncontent-length: 100\r\n\r\n{{"
    address = httpx.URL(gateway.url)
    with capture_logs() as logs:
        with socket.create_connection((address.host, address.port or 80)) as caller:
            caller.sendall(head.encode())
        until(lambda: any(line["event"] == "request" and line["path"] == PATH for line in logs))
    assert [line for line in logs if line["log_level"] in ("error", "critical")] == []
