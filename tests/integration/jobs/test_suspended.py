"""Jobs end with their asker's suspension: those that run, with their processes, and those that wait."""

import sys
import threading
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from appliance.access.principal import ASKING, Role, UserId
from appliance.access.web import Databases
from appliance.entry import web
from appliance.jobs.job import JobId
from appliance.jobs.run import Run
from appliance.jobs.service import Jobs
from appliance.jobs.states import State
from appliance.kit.children import spawn
from appliance.kit.settings import JobSettings, Settings
from appliance.tenants import bootstrap
from appliance.tenants.service import Tenants
from tests.factories.processes import gone, until
from tests.integration.jobs.test_api import Member, member
from tests.integration.jobs.work import Shop

SOON = JobSettings(attempts=3, lease_seconds=3)


@pytest.fixture
def operator(databases: Databases) -> dict[str, str]:
    with databases.operator.session() as session:
        first = bootstrap.first_start(session)
    assert first is not None
    return {"Authorization": f"Bearer {first.cli_key}"}


def _asked(shop: Shop, a: Member, by: UserId, kind: str, *, outlives: bool = False) -> JobId:
    with shop.databases.app.session(a.tenant) as session:
        session.info[ASKING] = by
        return Jobs(session, a.tenant).ask(kind, {}, outlives=outlives)


def _paths(databases: Databases, a: Member) -> tuple[UserId, dict[str, str]]:
    with databases.operator.session() as session:
        user = UserId(Tenants(session).people(a.tenant).list(None, 1).items[0].id)
    return user, {"user": f"/api/v1/tenants/{a.tenant}/users/{user}", "tenant": f"/api/v1/tenants/{a.tenant}"}


@pytest.fixture
def a(databases: Databases, operator: dict[str, str]) -> Member:
    return member(databases, "a")


@pytest.mark.parametrize("what", ["user", "tenant"])
def test_what_runs_for_the_suspended_ends_with_its_processes(
    settings: Settings, databases: Databases, a: Member, operator: dict[str, str], what: str
) -> None:
    shop, pids = Shop(databases, SOON), list[int]()

    def work(run: Run) -> None:
        with spawn([sys.executable, "-c", "import time; time.sleep(1000)"]) as child:
            pids.append(child.pid)
            until(_raises(run.check), 20)

    shop.registry.add("work", work)
    user, paths = _paths(databases, a)
    job = _asked(shop, a, user, "work")
    running = threading.Thread(target=shop.runner().run_next)
    running.start()
    until(lambda: bool(pids))
    with TestClient(web.build(settings)) as client:
        assert client.post(f"{paths[what]}/suspend", headers=operator).status_code == 200
    running.join(20)
    assert shop.job(a.tenant, job).state is State.CANCELLED
    assert gone(pids)


def _raises(check: Callable[[], None]) -> Callable[[], bool]:
    def condition() -> bool:
        check()
        return False

    return condition


@pytest.mark.parametrize("what", ["user", "tenant"])
def test_what_waits_for_the_suspended_never_begins(
    settings: Settings, databases: Databases, a: Member, operator: dict[str, str], what: str
) -> None:
    shop, ran = Shop(databases), list[str]()
    shop.registry.add("work", lambda run: ran.append(str(run.lease.job)))
    user, paths = _paths(databases, a)
    with databases.operator.session() as session:
        colleague = UserId(Tenants(session).people(a.tenant).add("colleague", "C", Role.EDITOR).id)
    mine, theirs = _asked(shop, a, user, "work"), _asked(shop, a, colleague, "work")
    deletion = _asked(shop, a, user, "work", outlives=True)
    with TestClient(web.build(settings)) as client:
        assert client.post(f"{paths[what]}/suspend", headers=operator).status_code == 200
    while shop.runner().run_next():
        continue
    kept = {str(deletion)} if what == "tenant" else {str(theirs), str(deletion)}
    assert set(ran) == kept
    assert shop.job(a.tenant, mine).state is State.QUEUED
    shop.sweep().once()
    assert shop.job(a.tenant, mine).state is State.CANCELLED
    assert shop.states(a.tenant, mine) == ["queued", "cancelled"]


def test_a_request_s_jobs_are_its_caller_s(settings: Settings, databases: Databases, a: Member) -> None:
    """Noted where the transaction is opened, so that no slice can forget it."""
    with TestClient(web.build(settings)) as client:
        made = client.post("/api/v1/collections", json={"name": "c"}, headers=a.headers).json()
        path = f"/api/v1/collections/{made['id']}/documents"
        answer = client.post(path, files={"file": ("a.txt", b"some words", "text/plain")}, headers=a.headers)
        assert answer.status_code == 202, answer.text
    user, _ = _paths(databases, a)
    with databases.app.session(a.tenant) as session:
        asked = session.connection().exec_driver_sql("select asked_by, outlives from jobs").one()
    assert tuple(asked) == (user, False)
