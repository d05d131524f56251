"""The operator's page on models, followed as it stands on a whole appliance; and what callers are told meanwhile.

One walk through the page for both kinds of engine: scripted ones, of which a start takes a second, and real ones.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from appliance.kit import clock
from tests.factories import pages
from tests.factories.appliance import CONTROL_PLANE, ROOT, Appliance, wait
from tests.factories.callers import ask, asking, key_of
from tests.factories.licences import Vendor, terms

PAGE: Final = ROOT / "docs/operator/models.md"
BASE: Final = "smollm2-135m-instruct"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``start``: longest of an engine; ``block``: longest of a block of the page.

    ``known``: in which a change of rows is known to callers; ``pause``: between their questions while engines start.
    """

    start: float
    block: float
    known: float = 10
    pause: float = 0


@dataclass(frozen=True, slots=True)
class Site:
    """An appliance with a model store and a vendor of its own, and what an operator has beside it."""

    appliance: Appliance
    vendor: Vendor
    model: Path
    work: Path
    pace: Pace

    def environment(self) -> dict[str, str]:
        """What the page's blocks are run with."""
        return {
            **self.appliance.environment(),
            "MODEL": str(self.model),
            "WORK": str(self.work),
            "XDG_CONFIG_HOME": str(self.work.with_name("config")),
        }


@contextmanager
def operated(place: Path, store: Path, pace: Pace, **settings: str) -> Iterator[Site]:
    """A site below ``place`` with a copy of a model store. Its control plane is ready, its engine perhaps not yet."""
    shutil.copytree(store, place / "models")
    (place / "work").mkdir()
    vendor = Vendor()
    own = {"APPLIANCE_MODELS": str(place / "models"), "APPLIANCE_LICENSING__ROOT": str(vendor.pin(place))}
    made = Appliance(place / "data", {**own, **settings})
    made.start()
    try:
        made.wait_ready(*CONTROL_PLANE, seconds=pace.start)
        yield Site(made, vendor, place / "models" / BASE, place / "work", pace)
    finally:
        made.stop()


def follow(site: Site) -> None:
    """Every block of the page, in order, with callers who never stop asking while engines change."""
    appliance, pace = site.appliance, site.pace
    blocks = iter(pages.blocks(PAGE))

    def go() -> None:
        pages.run(next(blocks), site.environment(), pace.block)

    go()  # bring a second version
    _license_all(site)
    go()  # deploy it
    go()  # a canary
    with appliance.api() as client:
        wait(lambda: ask(client, BASE).status_code == 200, pace.start, "the first engine answers")
        wait(lambda: ask(client, "assistant").status_code == 200, pace.known, "the new route is known")
        shares = [ask(client, "assistant", f"conversation {number}").headers for number in range(40)]
        assert len({share["x-appliance-model-digest"] for share in shares}) == 2
    with asking(appliance.api, "assistant") as load:
        go()  # promote, roll back
    assert load.failed == []
    assert len({told.who for told in load.answered}) == 2
    go()  # adapters
    _adapters_answer_their_tenants_alone(site)
    _adapters_are_back_after_a_kill(site)
    with asking(appliance.api, "tuned", pause=pace.pause) as load:
        go()  # swap, roll back
    assert load.failed == []
    assert len({told.who for told in load.answered}) == 2
    go()  # clear up
    assert next(blocks, None) is None


def _license_all(site: Site) -> None:
    """A licence for what is here: every language model, and more adapters than an evaluation has."""
    with site.appliance.api() as client:
        items = client.get("/api/v1/models").json()["items"]
        models = [{"kind": "version", "name": one["name"], "digests": [one["digest"]]} for one in items]
        limits = {"tenants": 50, "seats": 500, "gpus": 2, "adapters": 8}
        told: dict[str, Any] = {**terms(int(clock.now().timestamp())), "models": models, "limits": limits}
        answer = client.post("/api/v1/licence", json={"file": site.vendor.licence(**told).decode()})
        assert answer.status_code == 201, answer.text


def _answers(client: httpx.Client, route: str) -> bool:
    """Whether a route answers; one that cannot says when to come again."""
    answer = ask(client, route)
    assert answer.status_code in {200, 404} or int(answer.headers["retry-after"]) > 0
    return answer.status_code == 200


def _adapters_answer_their_tenants_alone(site: Site) -> None:
    """Each tenant's route answers with its own adapter, and is not there for the other."""
    digests = set()
    for tenant, other in (("north", "south"), ("south", "north")):
        with site.appliance.api(key_of(site.appliance, tenant)) as client:
            own = f"{tenant}-style"
            wait(partial(_answers, client, own), site.pace.known, "the new route is known")
            answer, foreign, unknown = (ask(client, f"{name}-style") for name in (tenant, other, "nowhere"))
        assert answer.status_code == 200, answer.text
        digests.add(answer.headers["x-appliance-adapter-digest"])
        assert (foreign.status_code, foreign.text.replace(other, "nowhere")) == (unknown.status_code, unknown.text)
    assert len(digests) == 2


def _adapters_are_back_after_a_kill(site: Site) -> None:
    """The engine that has them is killed: the other answers on; they are back within ten seconds of health."""
    appliance, pace = site.appliance, site.pace
    replica = "from replicas r join deployments d on d.id = r.deployment_id where d.name = 'tuned'"
    pid = int(str(appliance.value(f"select r.pid {replica}")))
    running = f"select r.actual = 'running' and r.pid <> {pid} {replica}"
    with appliance.api() as client:
        os.kill(pid, signal.SIGKILL)
        wait(lambda: not _answers(client, "tuned"), 30, "it is known to be down")
        assert ask(client, BASE).status_code == 200
        wait(lambda: bool(appliance.value(running)), pace.start, "the engine runs again")
        count = f"select cardinality(r.adapters) {replica}"
        wait(lambda: appliance.value(count) == 2, 10, "both adapters are loaded again")
        wait(lambda: ask(client, "tuned").status_code == 200, pace.known, "it answers")
