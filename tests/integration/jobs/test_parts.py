"""The parts of the worker process, each by itself: the bell's task, a child's runner, the host's sweep."""

import os
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.access.web import Databases
from appliance.drivers.broker import TASK, application
from appliance.entry.handlers import chores
from appliance.entry.worker import READY, Child, Flag, Host
from appliance.jobs import ending
from appliance.jobs.registry import Registry
from appliance.jobs.states import State, Tries, Verdict
from appliance.jobs.tasks import bind
from appliance.kit.errors import Conflict
from appliance.kit.settings import Settings
from tests.integration.jobs.work import Shop, Tenants


def test_a_bell_runs_whose_turn_it_is_whatever_id_it_carries(brokered: Settings, shop: Shop, tenants: Tenants) -> None:
    registry = Registry()
    registry.add("noop", lambda _: None)
    child = Child(brokered, registry, Flag())
    app = application(brokered.broker_url)
    bind(app, child.get)
    job = shop.ask(tenants.a, "noop")
    app.tasks[TASK].apply(args=(str(UUID(int=0)),)).get()
    assert shop.job(tenants.a, job).state is State.SUCCEEDED
    assert child.get() is child.get()
    child.close()
    child.close()


def test_a_child_knows_when_the_worker_stops_and_when_its_parent_is_gone(brokered: Settings) -> None:
    stopping = Flag()
    child = Child(brokered, Registry(), stopping)
    around = child.get().around
    assert (around.stopping(), around.orphaned()) == (False, False)
    stopping.raise_()
    assert around.stopping()
    child.close()


def test_a_flag_raised_in_a_child_is_seen_by_its_parent() -> None:
    flag = Flag()
    pid = os.fork()
    if pid == 0:
        flag.raise_()
        os._exit(0)
    os.waitpid(pid, 0)
    assert flag


def test_a_sweep_that_fails_does_not_end_the_host_nor_does_it_look_alive(brokered: Settings) -> None:
    host = Host(brokered, Registry())
    ready = brokered.layout.run / READY
    ready.touch()
    os.utime(ready, (0, 0))
    sweep = host._sweep()
    (brokered.layout.run / "postgres.host").write_text("/nowhere")
    broken = host._sweep()
    host._once(broken)
    assert ready.stat().st_mtime == 0
    host._once(sweep)
    assert ready.stat().st_mtime > 0
    for pools in (sweep, broken):
        pools.system.close()
        pools.app.close()


def test_the_chores_of_a_sweep_are_each_done_in_a_transaction_of_their_own(
    brokered: Settings, databases: Databases
) -> None:
    done: list[object] = []

    def chore(session: Session) -> None:
        done.append(session.execute(text("select txid_current()")).scalar_one())

    host = Host(brokered, Registry(), (*chores(brokered), chore, chore))
    sweep = host._sweep()
    host._once(sweep)
    assert len(set(done)) == 2
    sweep.system.close()
    sweep.app.close()


def test_an_ended_job_does_not_end_again(shop: Shop, tenants: Tenants) -> None:
    job = shop.cancel(tenants.a, shop.ask(tenants.a, "noop"))
    with shop.databases.app.session(tenants.a) as session, pytest.raises(Conflict):
        ending.settle(session, job, Verdict(State.SUCCEEDED, Tries(1)), {})
