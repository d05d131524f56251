"""A message on the broker is never unpickled: whoever reaches the queue runs nothing by it."""

from pathlib import Path

import kombu
import pytest

from appliance.drivers.broker import QUEUE, TASK
from appliance.jobs.states import State
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from tests.factories.pickles import touching
from tests.integration.jobs.test_worker import bell, ended, hears, worker
from tests.integration.jobs.work import Shop, Tenants

__all__ = ["bell"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("bell")]

KINDS = ("application/x-python-serialize", "application/x-yaml", "application/x-msgpack")


def test_a_pickled_message_makes_nothing_happen_and_the_worker_goes_on(
    brokered: Settings, shop: Shop, tenants: Tenants, tmp_path: Path
) -> None:
    canary, lines = tmp_path / "canary", tmp_path / "lines"
    with worker(brokered) as child, kombu.Connection(brokered.broker_url) as connection:
        hears(brokered, child)
        producer = connection.Producer()
        for kind in KINDS:
            headers = {"task": TASK, "id": str(uuid7()), "lang": "py", "argsrepr": "", "kwargsrepr": ""}
            body = touching(canary)
            producer.publish(body, QUEUE, content_type=kind, content_encoding="binary", headers=headers)
        job = shop.ask(tenants.a, "note", {"file": str(lines), "name": "next"})
        assert ended(shop, tenants, job).state is State.SUCCEEDED
        assert lines.read_text().split() == ["next"]
        assert not canary.exists()
        words = brokered.layout.log(child.name).read_text()
        assert KINDS[0] in words
        assert child.poll() is None
