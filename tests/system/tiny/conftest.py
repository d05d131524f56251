"""Real engines beside each other: tiny models of three classes, made here, with weights that no training made."""

from collections.abc import Iterator

import openai
import pytest

from tests.factories import tiny
from tests.factories.appliance import MODELS, Appliance, wait
from tests.factories.callers import key_of
from tests.factories.town import BASE, FIRST, GUARDED, NORTH, SECOND, SOUTH, Town, adapter, digests, do, told
from tests.system.conftest import entitle

ENGINE = ("context=512", "sequences=8", "eager=true")
WHY = "A test tries whether this class is served: random weights, made here."
START_SECONDS = 400


@pytest.fixture(scope="session")
def town(appliance: Appliance, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Both engines run, every route answers. All of it ends with the appliance: these tests are its last."""
    work = tmp_path_factory.mktemp("tiny")
    tiny.build(work, MODELS / BASE)
    for name in tiny.CLASSES:
        of = ("--entry", "qwen3-0.6b") if name == tiny.CLASSES[0] else ()
        do(appliance, "models", "import", str(work / name), "--name", name.lower(), *of)
        do(appliance, "models", "activate", name.lower(), "--accept-licence", *(() if of else ("--override", WHY)))
    entitle(appliance, again=True)
    for name, own in ((FIRST, ("adapters=2",)), (SECOND, ())):
        settings = [part for setting in (*ENGINE, *own) for part in ("--engine", setting)]
        do(appliance, "deployments", "create", name, "--model", name, *settings)
    for tenant, seed in ((NORTH, 1), (SOUTH, 2)):
        do(appliance, "tenants", "create", tenant)
        adapter(appliance, work, tenant, seed)
        do(appliance, "routes", "set", tenant, "--deployment", FIRST, "--adapter", f"{tenant}/style")
    for route, more in ((FIRST, ()), (SECOND, ()), (GUARDED, ("--fallback", BASE))):
        do(appliance, "routes", "set", route, "--deployment", SECOND if route == SECOND else FIRST, *more)
    made = Town(appliance, work, {tenant: key_of(appliance, tenant) for tenant in (NORTH, SOUTH)}, digests(appliance))
    whole = "select count(*) = 3 from deployments where actual = 'running'"
    wait(lambda: bool(appliance.value(whole)), START_SECONDS, "both engines run")
    for route in (FIRST, SECOND, NORTH, SOUTH):
        wait(lambda: told(made, route).status == 200, 20, f"{route} answers")  # noqa: B023 - called before the next
    return made


@pytest.fixture
def client(town: Town) -> Iterator[openai.OpenAI]:
    url = f"http://127.0.0.1:{town.appliance.port}/v1"
    with openai.OpenAI(base_url=url, api_key=town.appliance.key(), max_retries=0, timeout=120) as client:
        yield client
