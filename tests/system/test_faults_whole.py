"""The whole appliance with its real engine and its usual waits: a worker killed at work, and ``up`` itself."""

import os
import secrets
import signal

import pytest

from appliance.kit.leash import family
from tests.factories.appliance import Appliance, gone
from tests.factories.shelf import Shelf, prose

pytestmark = pytest.mark.vllm


def test_work_resumes_within_60_seconds_of_kill_9_of_the_worker(appliance: Appliance) -> None:
    shelf, seed = Shelf(appliance), secrets.token_hex(4)
    encoder, worker = appliance.pid("encoder"), appliance.pid("worker")
    below = family(worker)
    os.kill(encoder, signal.SIGSTOP)
    try:
        document = shelf.add(f"{seed}.md", prose(10, seed))
        shelf.wait_state(document, "encoding")
        appliance.kill("worker")
        gone([worker, *below], 10)
    finally:
        os.kill(encoder, signal.SIGCONT)
    shelf.wait_state(document, "ready", seconds=60)
    shelf.assert_whole()
    assert shelf.found(f"Manual {seed}")[0] == f"{seed}.md"


@pytest.mark.last
def test_kill_9_of_up_leaves_nothing_of_the_engine_either(appliance: Appliance) -> None:
    everyone = appliance.everyone()
    engine = family(appliance.pid("engines"))
    assert len(engine) >= 3, "a supervisor, the server and its engine process"
    appliance.stop(signal.SIGKILL)
    gone(everyone, 10)
