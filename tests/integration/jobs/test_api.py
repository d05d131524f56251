"""Jobs over HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from appliance.access.principal import Role, TenantId, UserId
from appliance.access.web import Databases
from appliance.entry import web
from appliance.jobs.api import PLACES
from appliance.jobs.run import Run
from appliance.jobs.states import State
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.tenants.service import Tenants as People
from tests.factories.processes import until
from tests.integration.jobs.work import Shop


@dataclass(frozen=True, slots=True)
class Member:
    """A tenant and the headers of its member."""

    tenant: TenantId
    headers: dict[str, str]
    key: str


def member(databases: Databases, name: str) -> Member:
    with databases.operator.session() as session:
        tenants = People(session)
        tenant = TenantId(tenants.create(name).id)
        people = tenants.people(tenant)
        key = people.issue_key(UserId(people.add(f"member of {name}", "M", Role.TENANT_ADMIN).id), "test")
    return Member(tenant, {"Authorization": f"Bearer {key}"}, key)


@pytest.fixture
def a(databases: Databases) -> Member:
    return member(databases, "a")


@pytest.fixture
def b(databases: Databases) -> Member:
    return member(databases, "b")


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(web.build(settings), raise_server_exceptions=False) as client:
        yield client


def frames(body: str) -> list[tuple[int, str, dict[str, object]]]:
    """Number, kind and data of each event."""
    found = []
    for block in body.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((int(fields.get("id", 0)), fields["event"], json.loads(fields["data"])))
    return found


def test_a_job_is_shown_listed_and_cancelled(client: TestClient, databases: Databases, shop: Shop, a: Member) -> None:
    job = shop.ask(a.tenant, "noop", {"name": "x"})
    shown = client.get(f"/api/v1/jobs/{job}", headers=a.headers).json()
    assert (shown["id"], shown["kind"], shown["state"], shown["args"]) == (str(job), "noop", "queued", {"name": "x"})
    assert (shown["error"], shown["attempt"], shown["finished_at"]) == (None, 0, None)
    listed = client.get("/api/v1/jobs?state=queued&kind=noop", headers=a.headers).json()
    assert listed == {"items": [shown], "next_cursor": None}
    cancelled = client.post(f"/api/v1/jobs/{job}/cancel", headers=a.headers).json()
    assert cancelled["state"] == "cancelled"
    assert client.get("/api/v1/jobs?state=queued", headers=a.headers).json()["items"] == []
    with databases.operator.session() as session:
        query = "select object, details from audit_entries where action = 'job.cancel'"
        assert session.execute(text(query)).one() == (str(job), {"kind": "noop", "state": "cancelled"})


def test_lists_are_paged(client: TestClient, shop: Shop, a: Member) -> None:
    made = [str(shop.ask(a.tenant, "noop")) for _ in range(5)]
    found, cursor = list[str](), ""
    while True:
        page = client.get(f"/api/v1/jobs?limit=2{cursor}", headers=a.headers).json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == made[::-1]


def test_another_tenants_job_is_not_there(client: TestClient, shop: Shop, a: Member, b: Member) -> None:
    job = shop.ask(a.tenant, "noop")
    for other in (f"/api/v1/jobs/{job}", f"/api/v1/jobs/{job}/events", f"/api/v1/jobs/{uuid7()}"):
        answer = client.get(other, headers=b.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert client.post(f"/api/v1/jobs/{job}/cancel", headers=b.headers).status_code == 404
    assert client.get("/api/v1/jobs", headers=b.headers).json()["items"] == []
    assert shop.job(a.tenant, job).state is State.QUEUED


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("?state=odd", {}, 422),
        ("?limit=0", {}, 422),
        ("?limit=9999", {}, 422),
        ("?cursor=!", {}, 400),
        ("/not-an-id", {}, 422),
        (f"/{uuid7()}/events", {"Last-Event-ID": "x"}, 422),
        (f"/{uuid7()}/events", {"Last-Event-ID": "-1"}, 422),
    ],
)
def test_bad_input_is_refused(client: TestClient, a: Member, path: str, headers: dict[str, str], status: int) -> None:
    assert client.get(f"/api/v1/jobs{path}", headers={**a.headers, **headers}).status_code == status


def test_a_reason_is_told_with_its_advice(client: TestClient, shop: Shop, a: Member) -> None:
    def fail(_: Run) -> None:
        raise KeyError

    shop.settings = shop.settings.model_copy(update={"attempts": 1})
    shop.registry.add("fail", fail)
    job = shop.ask(a.tenant, "fail")
    shop.runner().run_next()
    shown = client.get(f"/api/v1/jobs/{job}", headers=a.headers).json()
    assert (shown["state"], shown["error_code"], shown["error"]) == ("failed", "broken", "KeyError: ")
    assert shown["advice"]


def test_an_event_that_another_version_wrote_is_told_as_other(
    client: TestClient, shop: Shop, a: Member, superuser: Engine
) -> None:
    shop.registry.add("log", lambda run: run.log("x"))
    job = shop.ask(a.tenant, "log")
    shop.runner().run_next()
    with superuser.begin() as connection:
        changed = connection.execute(
            text("update job_events set kind = :kind where job_id = :job and kind = 'log'"),
            {"kind": "later\nevent: state", "job": job},
        )
        assert changed.rowcount == 1
    answer = client.get(f"/api/v1/jobs/{job}/events", headers=a.headers)
    assert answer.status_code == 200
    told = frames(answer.text)
    assert [kind for _, kind, _ in told] == ["state", "state", "other", "state"]
    assert (told[2][2]["kind"], told[2][2]["message"]) == ("later\nevent: state", "x")


def test_events_of_an_ended_job_are_told_whole_resumed_and_then_no_more(
    client: TestClient, shop: Shop, a: Member
) -> None:
    shop.registry.add("log", lambda run: run.log("说明", level="warning"))
    job = shop.ask(a.tenant, "log")
    shop.runner().run_next()
    answer = client.get(f"/api/v1/jobs/{job}/events", headers=a.headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = frames(answer.text)
    assert [(kind, data.get("state")) for _, kind, data in told] == [
        ("state", "queued"),
        ("state", "running"),
        ("log", None),
        ("state", "succeeded"),
    ]
    assert (told[2][2]["message"], told[2][2]["level"]) == ("说明", "warning")
    resumed = client.get(f"/api/v1/jobs/{job}/events", headers={**a.headers, "Last-Event-ID": str(told[1][0])})
    assert frames(resumed.text) == told[2:]
    after = client.get(f"/api/v1/jobs/{job}/events", headers={**a.headers, "Last-Event-ID": str(told[-1][0])})
    assert (after.status_code, after.text) == (204, "")


def test_events_of_a_running_job_are_told_as_they_happen(client: TestClient, shop: Shop, a: Member) -> None:
    go = threading.Event()

    def work(run: Run) -> None:
        run.progress(1, 2, "first")
        go.wait(20)
        run.progress(2, 2, "second")

    shop.registry.add("work", work)
    job = shop.ask(a.tenant, "work")
    running = threading.Thread(target=shop.runner().run_next)
    running.start()
    until(lambda: len(shop.events(a.tenant, job)) == 3)
    timer = threading.Timer(1.0, go.set)
    timer.start()
    told = frames(client.get(f"/api/v1/jobs/{job}/events", headers=a.headers).text)
    running.join()
    timer.join()
    assert [data.get("stage") for _, kind, data in told if kind == "progress"] == ["first", "second"]
    assert told[-1][2]["state"] == "succeeded"
    numbers = [number for number, _, _ in told]
    assert numbers == sorted(set(numbers))


def test_one_person_s_streams_do_not_take_the_database_from_others(
    client: TestClient, shop: Shop, a: Member, b: Member
) -> None:
    user = UUID(client.get("/api/v1/me", headers=a.headers).json()["user_id"])
    jobs = {one.key: shop.ask(one.tenant, "noop") for one in (a, b)}
    for one in (a, b):  # a stream of an ended job ends
        client.post(f"/api/v1/jobs/{jobs[one.key]}/cancel", headers=one.headers)
    with ExitStack() as streams:
        for _ in range(PLACES.most):
            streams.enter_context(PLACES.one(user))
        told = client.get(f"/api/v1/jobs/{jobs[a.key]}/events", headers=a.headers)
        assert (told.status_code, told.json()["code"], told.headers["retry-after"]) == (429, "too_many_streams", "5")
        assert client.get(f"/api/v1/jobs/{jobs[b.key]}/events", headers=b.headers).status_code == 200
    for _ in range(2):  # a place is given back
        assert client.get(f"/api/v1/jobs/{jobs[a.key]}/events", headers=a.headers).status_code == 200


def test_a_revoked_key_ends_its_streams(client: TestClient, databases: Databases, shop: Shop, a: Member) -> None:
    job = shop.ask(a.tenant, "waits")

    def revoke() -> None:
        with databases.operator.session() as session:
            session.execute(text("update api_keys set revoked_at = now()"))

    timer = threading.Timer(0.5, revoke)
    timer.start()
    told = frames(client.get(f"/api/v1/jobs/{job}/events", headers=a.headers).text)
    timer.join()
    assert (told[-1][1], told[-1][2]["status"]) == ("error", 401)
