"""The operator's page on models, as it stands, on a whole appliance; and what callers are told meanwhile.

The engine is scripted, since the page starts four of them; `test_engine.py` has the real one.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.kit import clock
from tests.factories import pages
from tests.factories.appliance import CONTROL_PLANE, MODELS, ROOT, Appliance, wait
from tests.factories.callers import ask, asking, key_of
from tests.factories.licences import Vendor, terms

PAGE = ROOT / "docs/operator/models.md"
BASE = "smollm2-135m-instruct"
BLOCK_SECONDS = 300
SCRIPTED = "appliance.drivers.vllm.scripted"


@pytest.fixture(scope="module")
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory, vendor: Vendor) -> Iterator[Appliance]:
    """An appliance with a model store of its own and engines that start in a second."""
    place = tmp_path_factory.mktemp("operated")
    shutil.copytree(MODELS, place / "models")
    settings = {
        "APPLIANCE_MODELS": str(place / "models"),
        "APPLIANCE_LICENSING__ROOT": str(vendor.pin(place)),
        "APPLIANCE_ENGINE__PROGRAM": SCRIPTED,
    }
    made = Appliance(place / "data", settings)
    made.start()
    try:
        made.wait_ready(*CONTROL_PLANE, seconds=600)
        yield made
    finally:
        made.stop()


def license_all(appliance: Appliance, vendor: Vendor) -> None:
    """A licence for what is here: every language model, and more adapters than an evaluation has."""
    with appliance.api() as client:
        items = client.get("/api/v1/models").json()["items"]
        models = [{"kind": "version", "name": one["name"], "digests": [one["digest"]]} for one in items]
        limits = {"tenants": 50, "seats": 500, "gpus": 2, "adapters": 8}
        told: dict[str, Any] = {**terms(int(clock.now().timestamp())), "models": models, "limits": limits}
        answer = client.post("/api/v1/licence", json={"file": vendor.licence(**told).decode()})
        assert answer.status_code == 201, answer.text


def test_the_page_on_models_is_true_and_callers_notice_nothing(
    operated: Appliance, vendor: Vendor, tmp_path: Path
) -> None:
    environment = {
        **operated.environment(),
        "MODEL": str(MODELS / BASE),
        "WORK": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    blocks = iter(pages.blocks(PAGE))

    def go() -> str:
        return pages.run(next(blocks), environment, BLOCK_SECONDS)

    go()  # bring a second version
    license_all(operated, vendor)
    go()  # deploy it
    go()  # a canary
    with operated.api() as client:
        wait(lambda: ask(client, "assistant").status_code == 200, 10, "the new route is known")
        shares = [ask(client, "assistant", f"conversation {number}").headers for number in range(40)]
        assert len({share["x-appliance-model-digest"] for share in shares}) == 2
    with asking(operated.api, "assistant") as load:
        go()  # promote, roll back
    assert load.failed == []
    assert len({told.who for told in load.answered}) == 2
    go()  # adapters
    _adapters_answer_their_tenants_alone(operated)
    _adapters_are_back_after_a_kill(operated)
    with asking(operated.api, "tuned") as load:
        go()  # swap, roll back
    assert load.failed == []
    assert len({told.who for told in load.answered}) == 2
    go()  # clear up
    assert next(blocks, None) is None


def _answers(client: httpx.Client, route: str) -> bool:
    """Whether a route answers; one that cannot says when to come again."""
    answer = ask(client, route)
    assert answer.status_code in {200, 404} or int(answer.headers["retry-after"]) > 0
    return answer.status_code == 200


def _adapters_answer_their_tenants_alone(appliance: Appliance) -> None:
    """Each tenant's route answers with its own adapter, and is not there for the other."""
    digests = set()
    for tenant, other in (("north", "south"), ("south", "north")):
        with appliance.api(key_of(appliance, tenant)) as client:
            own = f"{tenant}-style"
            wait(partial(_answers, client, own), 10, "the new route is known")
            answer, foreign, unknown = (ask(client, f"{name}-style") for name in (tenant, other, "nowhere"))
        assert answer.status_code == 200, answer.text
        digests.add(answer.headers["x-appliance-adapter-digest"])
        assert (foreign.status_code, foreign.text.replace(other, "nowhere")) == (unknown.status_code, unknown.text)
    assert len(digests) == 2


def _adapters_are_back_after_a_kill(appliance: Appliance) -> None:
    """The engine that has them is killed: the other answers on; they are back within ten seconds of health."""
    replica = "from replicas r join deployments d on d.id = r.deployment_id where d.name = 'tuned'"
    pid = int(str(appliance.value(f"select r.pid {replica}")))
    running = f"select r.actual = 'running' and r.pid <> {pid} {replica}"
    with appliance.api() as client:
        os.kill(pid, signal.SIGKILL)
        wait(lambda: not _answers(client, "tuned"), 30, "it is known to be down")
        assert ask(client, BASE).status_code == 200
        wait(lambda: bool(appliance.value(running)), BLOCK_SECONDS, "the engine runs again")
        count = f"select cardinality(r.adapters) {replica}"
        wait(lambda: appliance.value(count) == 2, 10, "both adapters are loaded again")
        wait(lambda: ask(client, "tuned").status_code == 200, 10, "it answers")
