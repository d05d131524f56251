"""Hostile requests at once beside good callers: each is told what it did, and nobody else notices."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from appliance.serving.deployments import Deployment
from tests.factories.hostile import Attack
from tests.factories.models import LANGUAGE
from tests.factories.processes import until
from tests.integration.serving.conftest import Engines, Gateway, serving, settle
from tests.integration.serving.load import ask, asking, untrue
from tests.integration.serving.test_swaps import SETTINGS, Operator


@pytest.fixture
def roomy(engines: Engines) -> Iterator[Deployment]:
    """An engine with room for adapters, on which a version runs that they fit."""
    with engines.databases.operator.session() as session:
        settle(session, engine=SETTINGS)
    with engines.running():
        yield engines.until("running")


@pytest.fixture
def hasty(engines: Engines, gateway: Gateway) -> Iterator[Gateway]:
    """A gateway that waits two seconds for a body."""
    web = engines.settings.web.model_copy(update={"body_seconds": 2})
    settings = engines.settings.model_copy(update={"web": web})
    with serving(settings) as url:
        yield replace(gateway, url=url)


def test_hostile_requests_at_once_are_each_told_so_and_no_good_caller_notices(
    engines: Engines, roomy: Deployment, hasty: Gateway
) -> None:
    base = engines.version("tiny-base")
    operator = Operator(hasty)
    made = operator.create("other", base.id)
    adapter = engines.adapter(hasty.tenants[1], base.id, "style", b"\0\0\0\0")
    operator("PUT", "routes/theirs", deployment_id=made["id"], adapter_id=str(adapter.id))
    operator.client.close()
    with hasty.client(hasty.two) as their:
        until(lambda: ask(their, "theirs").status == 200, 60)
    pid = engines.row().pid
    names = ["theirs", adapter.engine_name, roomy.version.digest]
    attack = Attack(urlsplit(hasty.url).port or 0, hasty.one, LANGUAGE, names)
    assert len(attack.sends) >= 32
    with asking(hasty, LANGUAGE) as good:
        good.more(10)
        answered = attack.at_once()
        good.more(10)
    assert answered == attack.expected
    assert good.failed == []
    assert untrue(good) == []
    assert (engines.row().pid, engines.row().restarts) == (pid, 0)
