"""The verbs of deployments and routes on a running gateway, its engines scripted."""

from pathlib import Path

import pytest

from appliance.kit.errors import BadRequest, Conflict, NotFound
from appliance.serving.deployments import Deployment
from tests.factories.cli import Run, document, run
from tests.factories.models import LANGUAGE
from tests.integration.serving.conftest import Engines, Gateway


@pytest.fixture
def cli(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("APPLIANCE_URL", gateway.url)
    monkeypatch.setenv("APPLIANCE_KEY", gateway.operator)
    return run


def test_a_version_is_deployed_swapped_rolled_back_stopped_and_deleted(
    engines: Engines, engine: Deployment, cli: Run
) -> None:
    second, third = (engines.version(f"tiny-{name}") for name in ("second", "third"))
    settings = ("--engine", "context=512", "--engine", "dtype=float32", "--engine", "drain_seconds=1")
    made = document(cli("deployments", "create", "second", "--model", second.name, *settings, "--wait", "--json")[1])
    assert (made["actual"], made["engine"]["context"], made["engine"]["dtype"]) == ("running", 512, "float32")
    told = cli("deployments", "show", "second")[1]
    assert "cpu: chosen" in told
    assert "second" in cli("deployments", "list")[1]
    swapped = document(cli("deployments", "swap", "second", "--model", third.digest[:12], "--wait", "--json")[1])
    assert (swapped["serving_digest"], len(swapped["replicas"])) == (third.digest, 1)
    assert document(cli("deployments", "rollback", "second", "--wait", "--json")[1])["serving_digest"] == second.digest
    updated = document(cli("deployments", "update", "second", "--replicas", "2", "--wait", "--json")[1])
    assert [one["in_service"] for one in updated["replicas"]] == [True, True]
    assert cli("deployments", "logs", "second")[1].count("replica ") == 2
    assert len(document(cli("deployments", "logs", "second", "--json")[1])["items"]) == 2
    assert document(cli("deployments", "stop", "second", "--wait", "--json")[1])["actual"] == "stopped"
    assert document(cli("deployments", "start", "second", "--wait", "--json")[1])["actual"] == "running"
    assert cli("deployments", "delete", "second", typed="n\n")[0] == 1
    cli("deployments", "delete", "second", "--yes", "--json")
    with pytest.raises(NotFound):
        cli("deployments", "show", "second")


def test_waiting_for_what_cannot_be_ends_with_the_reason(engines: Engines, engine: Deployment, cli: Run) -> None:
    broken = engines.version("tiny-broken")
    (Path(broken.directory) / "model.safetensors").write_bytes(b"tampered")
    with pytest.raises(Conflict, match=r"model\.safetensors"):
        cli("deployments", "create", "broken", "--model", broken.name, "--wait")
    with pytest.raises(BadRequest, match="NAME=VALUE"):
        cli("deployments", "update", LANGUAGE, "--engine", "context")


def test_a_route_is_set_tried_promoted_rolled_back_and_deleted(
    engines: Engines, engine: Deployment, gateway: Gateway, cli: Run
) -> None:
    base = engines.version("tiny-base")
    cli("deployments", "create", "second", "--model", base.name, "--engine", "adapters=2", "--wait", "--json")
    cli("routes", "set", "assistant", "--deployment", LANGUAGE, "--fallback", "second")
    tried = document(cli("routes", "canary", "assistant", "--deployment", "second", "--percent", "20", "--json")[1])
    assert tried["canary"]["deployment"] == "second"
    assert "20 % second" in cli("routes", "list")[1]
    assert document(cli("routes", "promote", "assistant", "--wait", "--json")[1])["lead"]["deployment"] == "second"
    assert document(cli("routes", "rollback", "assistant", "--wait", "--json")[1])["lead"]["deployment"] == LANGUAGE
    cli("routes", "canary", "assistant", "--deployment", "second", "--percent", "10")
    assert document(cli("routes", "canary", "assistant", "--percent", "0", "--json")[1])["canary"] is None
    first = engines.adapter(gateway.tenants[0], base.id, "style", b"\0\0\0\0")
    second = engines.adapter(gateway.tenants[0], base.id, "style", b"\0\0\0\1")
    cli("routes", "set", "style", "--deployment", "second", "--adapter", "one/style:1")
    shown = document(cli("routes", "show", "style", "--json")[1])
    assert (shown["lead"]["adapter_id"], shown["tenant_ids"]) == (str(first.id), [str(gateway.tenants[0])])
    cli("routes", "set", "style", "--deployment", "second", "--adapter", "one/style", "--wait")
    assert str(second.id) in cli("routes", "show", "style")[1]
    cli("routes", "set", "style", "--deployment", "second", "--adapter", str(first.id), "--wait")
    with pytest.raises(NotFound, match="one/none"):
        cli("routes", "set", "style", "--deployment", "second", "--adapter", "one/none")
    assert cli("routes", "delete", "style", typed="n\n")[0] == 1
    cli("routes", "delete", "style", "--yes")
    cli("routes", "set", "mine", "--deployment", LANGUAGE, "--tenant", "two")
    assert document(cli("routes", "show", "mine", "--json")[1])["tenant_ids"] == [str(gateway.tenants[1])]
