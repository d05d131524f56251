"""Over a quota a question is refused before anything of it is kept: no quotes in its place, but what a quota tells."""

from collections.abc import Iterator
from dataclasses import replace

import anyio
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.chat.answering import Answering
from appliance.chat.prepared import Asking
from appliance.drivers.stopwatch import MemoryStopwatch, ValkeyStopwatch
from appliance.entry import web
from appliance.kit.settings import Settings
from appliance.serving.directory import Directory
from appliance.serving.service import Bounds, Engines
from appliance.usage import connect
from appliance.usage.budgets import Budgets
from tests.factories.quotas import limited
from tests.integration.chat.asking import TRIAL, ask
from tests.integration.chat.conftest import Desk, People


def bound(desk: Desk, budgets: Budgets) -> Desk:
    """The same desk, with budgets."""
    directory = Directory(desk.databases.app, now=iter(range(10**6)).__next__)
    engines = Engines(directory, lambda _: desk.upstream, desk.records.append, b"s", Bounds(budgets))
    return replace(desk, answering=Answering(desk.databases.app, desk.retrieval, engines, patience=5))


@pytest.fixture
def budgets(databases: Databases) -> Budgets:
    made = connect.budgets(databases.system, MemoryStopwatch())
    made.short.greet()
    return made


@pytest.fixture
def client(settings: Settings, desk: Desk, budgets: Budgets) -> Iterator[TestClient]:
    app = web.build(settings)
    app.state.answering = bound(desk, budgets).answering
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def messages(databases: Databases) -> int:
    with databases.system.session() as session:
        return int(session.execute(text("select count(*) from messages")).scalar_one())


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_over_a_quota_a_question_is_refused(client: TestClient, desk: Desk, people_of: People, accept: str) -> None:
    limited(desk.databases, people_of.one.tenant, tokens_per_day=300)
    desk.says("The trial period is 2 months.")
    headers = {"authorization": f"Bearer {people_of.key}", "accept": accept}

    refused = client.post("/api/v1/ask", json={"question": TRIAL}, headers=headers)

    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    told = refused.json()
    assert (told["code"], told["quota"]["measure"], told["quota"]["limit"]) == ("over_quota", "tokens_per_day", 300)
    assert told["quota"]["asked"] > 300
    assert told["quota"]["resets_at"] > "2026"
    assert int(refused.headers["retry-after"]) >= 1
    assert desk.upstream.asked == []
    assert messages(desk.databases) == 0

    quoted = client.post("/api/v1/ask", json={"question": TRIAL, "mode": "quoted"}, headers=headers)
    assert quoted.status_code == 200, quoted.text  # it costs no token
    assert '"mode":"quoted"' in quoted.text.replace('": "', '":"')


def test_what_one_answer_did_not_use_is_there_for_the_next(desk: Desk, people_of: People, budgets: Budgets) -> None:
    limited(desk.databases, people_of.one.tenant, concurrent_requests=1)
    desk.says("The trial period is 2 months.")
    for _ in range(3):
        assert ask(bound(desk, budgets), people_of.one, TRIAL)["mode"] == "composed"


def test_an_answer_that_is_never_fetched_gives_its_part_back(desk: Desk, people_of: People, budgets: Budgets) -> None:
    limited(desk.databases, people_of.one.tenant, concurrent_requests=1)
    desk.says("The trial period is 2 months.")

    async def twice() -> None:
        answering = bound(desk, budgets).answering
        answering.abandoned = 0.05
        await answering.prepare(Asking(TRIAL), people_of.one)
        await anyio.sleep(0.2)
        late = await answering.prepare(Asking(TRIAL), people_of.one)
        await anyio.sleep(0.2)
        assert [event async for event in answering.stream(late)][-1].data["mode"] == "composed"

    anyio.run(twice)


def test_where_nobody_can_tell_what_is_left_the_documents_answer(desk: Desk, people_of: People) -> None:
    limited(desk.databases, people_of.one.tenant, concurrent_requests=1)
    blind = connect.budgets(desk.databases.system, ValkeyStopwatch("redis://127.0.0.1:1/0"))

    assert ask(bound(desk, blind), people_of.one, TRIAL)["provenance"]["reason"] == "engine"
