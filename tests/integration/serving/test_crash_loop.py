"""An engine that ends at each start: what the host does about it, what an operator is told, and how it is ended."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from appliance.kit import clock
from appliance.kit.errors import Conflict
from appliance.serving.reconcile import BACK_OFF, CRASH_LOOP
from tests.factories.cli import Run, document
from tests.factories.models import LANGUAGE
from tests.factories.processes import until
from tests.integration.serving.conftest import Engines, Gateway
from tests.integration.serving.test_operating_cli import cli

__all__ = ["cli"]

PROGRAM = """
import sys
import time
from pathlib import Path

if not Path("mended").exists():
    with Path("starts").open("a") as file:
        file.write(f"{time.time()}\\n")
    sys.exit("the driver of the card is too old")
from appliance.drivers.vllm.scripted import main

main()
"""
VERDICT = "ended with exit code 1 while starting, 5 times in a row"


@pytest.fixture
def run(engines: Engines) -> Path:
    """The directory in which engines run, with a program that ends at once until it is mended."""
    found = engines.settings.layout.run
    (found / "falling.py").write_text(PROGRAM)
    engine = engines.settings.engine.model_copy(update={"program": "falling"})
    engines.settings = engines.settings.model_copy(update={"engine": engine})
    return found


@pytest.fixture
def fallen(engines: Engines, run: Path) -> Iterator[None]:
    """The verdict is there."""
    with engines.running():
        engines.until("failed", 60)
        yield


def starts(run: Path) -> list[float]:
    return [float(line) for line in (run / "starts").read_text().splitlines()]


@pytest.mark.slow
def test_a_crash_loop_is_a_verdict_that_everybody_who_asks_is_told_and_an_operator_ends(
    engines: Engines, run: Path, fallen: None, gateway: Gateway, cli: Run
) -> None:
    began = starts(run)
    assert len(began) == CRASH_LOOP
    pauses = [later - earlier for earlier, later in pairwise(began)]
    assert all(pause >= least for pause, least in zip(pauses, BACK_OFF, strict=False)), pauses
    assert pauses == sorted(pauses)
    row = engines.row()
    assert (row.reason, row.pid, row.restarts) == (VERDICT, None, CRASH_LOOP - 1)
    with gateway.client(gateway.operator) as client:
        (seen,) = client.get("/api/v1/deployments", params={"name": LANGUAGE}).json()["items"]
        assert (seen["actual"], seen["reason"]) == ("failed", VERDICT)
        (replica,) = seen["replicas"]
        assert (replica["actual"], replica["reason"], replica["in_service"]) == ("failed", VERDICT, False)
        assert _asked(client).status_code == 503
    assert VERDICT in " ".join(cli("deployments", "show", LANGUAGE)[1].split())
    assert document(cli("deployments", "list", "--json")[1])["items"][0]["reason"] == VERDICT
    assert "the driver of the card is too old" in cli("deployments", "logs", LANGUAGE)[1]
    asked = clock.now().timestamp()
    tried = document(cli("deployments", "start", LANGUAGE, "--json")[1])
    assert tried["version"] == seen["version"] + 1
    until(lambda: starts(run)[-1] > asked, 10)  # at once, and with all its tries again
    assert engines.until("backing_off", 10).reason == "ended with exit code 1 while starting"
    (run / "mended").touch()
    assert document(cli("deployments", "start", LANGUAGE, "--wait", "--json")[1])["actual"] == "running"
    assert engines.row().reason is None
    with gateway.client(gateway.operator) as client:
        until(lambda: _asked(client).status_code == 200, 10)
        entries = client.get("/api/v1/audit", params={"action": "deployment.start"}).json()["items"]
    assert [entry["object"] for entry in entries] == [str(row.id)] * 2


def test_a_failure_that_was_there_before_is_no_answer_and_one_that_comes_again_is(
    engines: Engines, gateway: Gateway, cli: Run
) -> None:
    model = engines.version("tiny-second").name
    with engines.running():
        with pytest.raises(Conflict, match="there is no place for it"):
            cli("deployments", "create", "second", "--model", model, "--engine", "device=cuda", "--wait")
        with pytest.raises(Conflict, match="there is no place for it"):
            cli("deployments", "start", "second", "--wait")
        told = cli("deployments", "update", "second", "--engine", "device=cpu", "--wait", "--json")[1]
        assert document(told)["actual"] == "running"
        again = document(cli("deployments", "start", "second", "--json")[1])
        assert again["version"] == document(told)["version"], "of one that runs nothing is tried again"


def _asked(client: httpx.Client) -> httpx.Response:
    said = [{"role": "user", "content": "say: well"}]
    return client.post("/v1/chat/completions", json={"model": LANGUAGE, "messages": said})
