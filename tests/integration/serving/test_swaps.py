"""What changes under callers who never stop asking: versions, adapters, the number of engines, and engines that die."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.drivers.vllm.arguments import EngineSettings as Engine
from appliance.serving.deployments import Deployment
from tests.factories.models import LANGUAGE
from tests.factories.processes import until
from tests.integration.serving.conftest import Engines, Gateway, settle
from tests.integration.serving.load import ask, asking, names, untrue

SETTINGS = Engine(sequences=64, queue=64, drain_seconds=5, adapters=4).to_json()


class Operator:
    """Somebody who may change deployments and routes, over the API."""

    def __init__(self, gateway: Gateway) -> None:
        self.client = gateway.client(gateway.operator)

    def __call__(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """Do it, as it was just read."""
        current = self.client.get(f"/api/v1/{'/'.join(path.split('/')[:2])}")
        headers = {"if-match": current.headers.get("etag", "")}
        answer = self.client.request(method, f"/api/v1/{path}", json=body or None, headers=headers)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    def create(self, name: str, model: object, **body: object) -> dict[str, Any]:
        """A deployment."""
        told = {"name": name, "model_id": str(model), "engine": SETTINGS, **body}
        answer = self.client.post("/api/v1/deployments", json=told)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture
def operator(gateway: Gateway) -> Iterator[Operator]:
    made = Operator(gateway)
    yield made
    made.client.close()


@pytest.fixture
def roomy(engines: Engines) -> Iterator[Deployment]:
    """The deployment with room for many requests and for adapters, running."""
    with engines.databases.operator.session() as session:
        settle(session, engine=SETTINGS)
    with engines.running():
        yield engines.until("running")


def test_another_version_takes_over_and_back_and_nobody_notices(
    engines: Engines, roomy: Deployment, gateway: Gateway, operator: Operator
) -> None:
    first, second = roomy.version, engines.version("tiny-second")
    with asking(gateway, LANGUAGE) as load:
        load.more(20)
        operator("POST", f"deployments/{roomy.id}/swap", model_id=str(second.id))
        until(lambda: engines.row().serving.id == second.id and len(engines.row().members) == 1, 60)
        load.more(20)
        operator("POST", f"deployments/{roomy.id}/rollback")
        until(lambda: engines.row().serving.id == first.id and len(engines.row().members) == 1, 60)
        load.more(20)
    assert load.failed == []
    assert untrue(load) == []
    assert [name.rpartition("@")[2] for name in names(load)] == [first.digest[:12], second.digest[:12]]
    assert {told.model for told in load.answers} == {first.digest, second.digest}


def test_an_adapter_gives_way_to_its_next_version_once_that_is_loaded(
    engines: Engines, roomy: Deployment, gateway: Gateway, operator: Operator
) -> None:
    base = engines.version("tiny-base")
    operator("POST", f"deployments/{roomy.id}/swap", model_id=str(base.id))
    until(lambda: engines.row().serving.id == base.id and len(engines.row().members) == 1, 60)
    tenant = gateway.tenants[0]
    one, two = (engines.adapter(tenant, base.id, "style", fill) for fill in (b"\0\0\0\0", b"\0\0\0\1"))
    operator("PUT", "routes/style", deployment_id=str(roomy.id), adapter_id=str(one.id))
    with gateway.client() as client, gateway.client(gateway.two) as stranger:
        until(lambda: ask(client, "style").status == 200, 20)
        with asking(gateway, "style") as load:
            load.more(20)
            operator("PUT", "routes/style", deployment_id=str(roomy.id), adapter_id=str(two.id))
            until(lambda: engines.route("style").lead.adapter == two.id, 20)
            until(lambda: load.answers[-1].adapter == two.digest, 20)  # the gateway looks once a second
            load.more(20)
            operator("POST", "routes/style/rollback")
            until(lambda: engines.route("style").lead.adapter == one.id, 20)
            load.more(20)
        foreign = stranger.post("/v1/chat/completions", json={"model": "style", "messages": []})
        unknown = stranger.post("/v1/chat/completions", json={"model": "stylf", "messages": []})
        assert (foreign.status_code, foreign.text.replace("style", "stylf")) == (unknown.status_code, unknown.text)
    assert load.failed == []
    assert untrue(load) == []
    assert {told.adapter for told in load.answers} == {one.digest, two.digest}
    until(lambda: two.engine_name not in engines.row().members[0].adapters, 30)
    assert one.engine_name in engines.row().members[0].adapters


def test_adapters_are_back_after_an_engine_was_killed(
    engines: Engines, roomy: Deployment, gateway: Gateway, operator: Operator
) -> None:
    base = engines.version("tiny-base")
    operator.create("other", base.id)
    until(lambda: engines.row("other").actual == "running", 40)
    other = engines.row("other")
    adapter = engines.adapter(gateway.tenants[0], base.id, "style", b"\0\0\0\0")
    operator("PUT", "routes/style", deployment_id=str(other.id), adapter_id=str(adapter.id))
    with gateway.client() as client:
        until(lambda: ask(client, "style").status == 200, 20)
        with asking(gateway, LANGUAGE) as load:
            os.kill(other.pid or 0, signal.SIGKILL)
            until(lambda: ask(client, "style").status == 503, 20)
            told = ask(client, "style")
            assert told.status == 200 or told.retry_after
            until(lambda: ask(client, "style").status == 200, 60)
            load.more(10)
        assert ask(client, "style").adapter == adapter.digest
    assert load.failed == []
    assert engines.row("other").restarts == 1


def test_a_fallback_answers_while_the_engine_is_away(
    engines: Engines, roomy: Deployment, gateway: Gateway, operator: Operator
) -> None:
    base = engines.version("tiny-base")
    made = operator.create("other", base.id)
    with gateway.client() as client:
        until(lambda: 'model="tiny-base"' in client.get("/metrics").text, 40)  # though no route leads there
        operator("PUT", "routes/support", deployment_id=made["id"], fallback_id=str(roomy.id))
        until(lambda: ask(client, "support").model == base.digest, 40)
        operator("POST", f"deployments/{made['id']}/stop")
        until(lambda: engines.row("other").actual == "stopped", 40)
        until(lambda: ask(client, "support").model == roomy.version.digest, 5)
        operator("POST", f"deployments/{made['id']}/start")
        until(lambda: ask(client, "support").model == base.digest, 40)


def test_one_of_two_replicas_dies_and_the_other_goes_on(
    engines: Engines, roomy: Deployment, gateway: Gateway, operator: Operator
) -> None:
    operator("PATCH", f"deployments/{roomy.id}", replicas=2)
    until(lambda: len(engines.row().replicas) == 2, 40)
    dead, left = engines.row().members
    os.kill(dead.pid or 0, signal.SIGKILL)
    until(lambda: [one.id for one in engines.row().replicas] == [left.id], 20)
    with asking(gateway, LANGUAGE) as load:
        load.more(20)
        until(lambda: len(engines.row().replicas) == 2, 40)
        operator("PATCH", f"deployments/{roomy.id}", replicas=1)
        until(lambda: len(engines.row().members) == 1, 40)
    settled = load.answers[10:]
    assert [told for told in settled if told.status != 200] == []


def test_a_version_that_never_starts_leaves_the_former_in_service(
    engines: Engines, roomy: Deployment, gateway: Gateway, operator: Operator
) -> None:
    broken = engines.version("tiny-broken")
    (Path(broken.directory) / "model.safetensors").write_bytes(b"tampered")
    with asking(gateway, LANGUAGE) as load:
        operator("POST", f"deployments/{roomy.id}/swap", model_id=str(broken.id))
        until(lambda: any(one.actual == "failed" for one in engines.row().members), 30)
        load.more(10)
        operator("POST", f"deployments/{roomy.id}/rollback")
        until(lambda: [one.version for one in engines.row().members] == [roomy.version.id], 30)
    assert load.failed == []
    assert {told.model for told in load.answers} == {roomy.version.digest}


def test_a_share_of_conversations_is_answered_by_the_canary_until_it_is_promoted(
    engines: Engines, roomy: Deployment, gateway: Gateway, operator: Operator
) -> None:
    base = engines.version("tiny-base")
    made = operator.create("other", base.id)
    until(lambda: engines.row("other").actual == "running", 40)
    operator("PUT", f"routes/{LANGUAGE}/canary", deployment_id=made["id"], percent=20)
    with gateway.client() as client:
        until(lambda: base.digest in {ask(client, LANGUAGE, str(one)).model for one in range(30)}, 10)
        first, again = (
            {one: ask(client, LANGUAGE, f"conversation {one}").model for one in range(100)} for _ in range(2)
        )
        assert first == again
        assert 8 <= list(first.values()).count(base.digest) <= 35
        operator("POST", f"routes/{LANGUAGE}/promote")
        until(lambda: engines.route(LANGUAGE).canary is None, 10)
        until(lambda: {ask(client, LANGUAGE, str(one)).model for one in range(20)} == {base.digest}, 10)


def test_engines_that_somebody_else_starts_are_watched_and_asked(engines: Engines, gateway: Gateway) -> None:
    """A cluster's pods: here one engine on a port of loopback, that was started by the test."""
    from tests.integration.serving.elsewhere import started  # noqa: PLC0415 - used here alone

    row = engines.row()
    with started(engines.settings, row.version) as engine:
        engines.elsewhere = {LANGUAGE: [engine.url]}
        with engines.running(), gateway.client() as client:
            engines.until("running")
            assert ask(client, LANGUAGE).model == row.version.digest
            engine.stop()
            until(lambda: ask(client, LANGUAGE).status == 503, 20)
            engine.start()
            until(lambda: ask(client, LANGUAGE).status == 200, 20)
            assert engines.row().members[0].address == engine.url.replace("localhost", "127.0.0.1")
            assert engines.row().pid is None
