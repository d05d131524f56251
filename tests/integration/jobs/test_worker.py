"""The worker as a process: the bell, kills, a dead broker, a frozen child that wakes up, an orderly stop."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.drivers import valkey as valkey_driver
from appliance.drivers.broker import BrokerDown, CeleryBell
from appliance.entry.worker import READY
from appliance.jobs.job import Job, JobId
from appliance.jobs.ringing import ring_after_commit
from appliance.jobs.states import State
from appliance.kit.children import Child, spawn
from appliance.kit.ids import uuid7
from appliance.kit.leash import family, stat
from appliance.kit.settings import Settings
from tests.factories.processes import gone, until
from tests.integration.jobs.work import Shop, Tenants

pytestmark = pytest.mark.slow

START = 30.0
LEASE = 4
ROOT = Path(__file__).parents[3]


@contextmanager
def worker(settings: Settings, name: str = "worker") -> Iterator[Child]:
    """A worker under a leash, hearing the bell, with a short lease and a quick sweep."""
    env = {
        **os.environ,
        "APPLIANCE_DATA": str(settings.data),
        "APPLIANCE_DATABASE__NAME": settings.database.name,
        "APPLIANCE_BROKER__URL": settings.broker_url,
        "APPLIANCE_JOBS__LEASE_SECONDS": str(LEASE),
        "APPLIANCE_JOBS__SWEEP_SECONDS": "1",
        "APPLIANCE_JOBS__ATTEMPTS": "2",
    }
    argv = [sys.executable, "-m", "tests.integration.jobs.program"]
    with spawn(argv, name=name, env=env, cwd=ROOT, log=settings.layout.log(name)) as child:
        yield child


def hears(settings: Settings, child: Child) -> None:
    """Wait until it is ready."""

    def ready() -> bool:
        assert child.poll() is None, settings.layout.log(child.name).read_text()
        return (settings.layout.run / READY).exists()

    until(ready, START)


@pytest.fixture
def bell(brokered: Settings) -> Iterator[CeleryBell]:
    bell = CeleryBell(brokered.broker_url)
    stop = ring_after_commit(bell)
    yield bell
    stop()


def state(shop: Shop, tenants: Tenants, job: JobId) -> State:
    return shop.job(tenants.a, job).state


def ended(shop: Shop, tenants: Tenants, job: JobId, seconds: float = 20) -> Job:
    until(lambda: state(shop, tenants, job).final, seconds)
    return shop.job(tenants.a, job)


def begun(directory: Path, token: int) -> Callable[[], bool]:
    return lambda: bool((directory / f"pid-{token}").exists() and (directory / f"pid-{token}").read_text())


def holder(directory: Path, token: int) -> int:
    until(begun(directory, token), 20)
    return int((directory / f"pid-{token}").read_text())


def wait_args(directory: Path) -> dict[str, str]:
    return {"directory": str(directory), "until": str(directory / "go")}


def test_a_bell_starts_a_job_at_once_and_a_doubled_bell_starts_it_once(
    brokered: Settings, shop: Shop, tenants: Tenants, bell: CeleryBell, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    with worker(brokered) as child:
        hears(brokered, child)
        asked = time.monotonic()
        jobs = [shop.ask(tenants.a, "note", {"file": str(lines), "name": str(number)}) for number in range(5)]
        for job in jobs * 4:
            bell.ring(job)
        for job in jobs:
            assert ended(shop, tenants, job).state is State.SUCCEEDED
        assert time.monotonic() - asked < START
        until(lambda: bell.waiting() == 0)
        assert sorted(lines.read_text().split()) == ["0", "1", "2", "3", "4"]
        loaded = ended(shop, tenants, shop.ask(tenants.a, "modules")).result["modules"]
        assert not {"torch", "transformers", "vllm"} & set(loaded)
        assert child.stop(10) == 0
    assert not (brokered.layout.run / READY).exists()


@pytest.mark.counted
def test_a_killed_worker_leaves_no_survivor_and_another_takes_its_job_over(
    brokered: Settings, shop: Shop, tenants: Tenants, bell: CeleryBell, tmp_path: Path
) -> None:
    with worker(brokered) as first:
        hears(brokered, first)
        job = shop.ask(tenants.a, "wait", wait_args(tmp_path))
        holder(tmp_path, 1)
        processes = [first.pid, *family(first.pid)]
        assert len(processes) >= 3
        os.kill(first.pid, signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: gone(processes), 10)
    with worker(brokered, "second") as second:
        holder(tmp_path, 2)
        assert time.monotonic() - killed < 60
        (tmp_path / "go").touch()
        done = ended(shop, tenants, job)
        second.stop(10)
    assert (done.state, done.result) == (State.SUCCEEDED, {"attempt": 2, "token": 2})
    assert shop.states(tenants.a, job) == ["queued", "running", "queued", "running", "succeeded"]


def test_a_frozen_holder_that_wakes_up_late_cannot_write(
    brokered: Settings, shop: Shop, tenants: Tenants, bell: CeleryBell, tmp_path: Path
) -> None:
    with worker(brokered) as child:
        hears(brokered, child)
        job = shop.ask(tenants.a, "wait", wait_args(tmp_path))
        zombie = holder(tmp_path, 1)
        os.kill(zombie, signal.SIGSTOP)
        assert holder(tmp_path, 2) != zombie
        (tmp_path / "go").touch()
        done = ended(shop, tenants, job)
        os.kill(zombie, signal.SIGCONT)
        until(lambda: "lease lost" in brokered.layout.log("worker").read_text())
        assert shop.job(tenants.a, job) == done
        assert done.result == {"attempt": 2, "token": 2}
        assert shop.states(tenants.a, job) == ["queued", "running", "queued", "running", "succeeded"]
        child.stop(10)


def test_a_job_that_kills_its_worker_fails_and_the_worker_goes_on(
    brokered: Settings, shop: Shop, tenants: Tenants, bell: CeleryBell, tmp_path: Path
) -> None:
    with worker(brokered) as child:
        hears(brokered, child)
        poison = ended(shop, tenants, shop.ask(tenants.a, "die"), 40)
        assert (poison.state, poison.tries.attempts) == (State.FAILED, 2)
        assert poison.reason is not None
        assert poison.reason.code == "worker_lost"
        after = shop.ask(tenants.a, "note", {"file": str(tmp_path / "lines"), "name": "after"})
        assert ended(shop, tenants, after).state is State.SUCCEEDED
        child.stop(10)


@pytest.mark.counted
def test_a_worker_told_to_stop_gives_its_job_back_and_ends_in_good_order(
    brokered: Settings, shop: Shop, tenants: Tenants, bell: CeleryBell, tmp_path: Path
) -> None:
    with worker(brokered) as child:
        hears(brokered, child)
        job = shop.ask(tenants.a, "wait", wait_args(tmp_path))
        holder(tmp_path, 1)
        processes = [child.pid, *family(child.pid)]
        assert child.stop(20) == 0
        assert gone(processes)
    back = shop.job(tenants.a, job)
    assert (back.state, back.tries.attempts) == (State.QUEUED, 0)


@pytest.mark.counted
def test_a_worker_whose_celery_was_killed_ends_so_that_it_is_started_again(
    brokered: Settings, shop: Shop, tenants: Tenants
) -> None:
    with worker(brokered) as child:
        hears(brokered, child)
        (celery,) = [pid for pid in family(child.pid) if stat(pid)[1] == child.pid]
        os.kill(celery, signal.SIGKILL)
        assert child.wait(20) == 1
    assert not (brokered.layout.run / READY).exists()


def test_the_children_share_what_the_host_loaded(
    brokered: Settings, shop: Shop, tenants: Tenants, bell: CeleryBell, tmp_path: Path
) -> None:
    """Each had nearly all of it for itself: the collector writes into every object that it looks at."""
    with worker(brokered) as child:
        hears(brokered, child)
        jobs = [shop.ask(tenants.a, "note", {"file": str(tmp_path / "lines"), "name": str(n)}) for n in range(16)]
        for job in jobs:
            assert ended(shop, tenants, job).state is State.SUCCEEDED
        processes = [pid for pid in family(child.pid) if "parser" not in Path(f"/proc/{pid}/cmdline").read_text()]
        shares = {pid: of_its_own(pid) for pid in processes}
    assert max(shares.values()) < 0.45, shares


def of_its_own(pid: int) -> float:
    """The share of a process's memory that no other has."""
    sizes = dict(line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    kib = {name: int(size.split()[0]) for name, size in sizes.items()}
    return kib["Private_Dirty"] / kib["Rss"]


def test_with_the_broker_dead_asking_is_quick_and_jobs_start_on_its_return(
    settings: Settings, shop: Shop, tenants: Tenants, tmp_path: Path
) -> None:
    bell = CeleryBell(settings.broker_url)
    stop = ring_after_commit(bell)
    try:
        with worker(settings):
            asked = time.monotonic()
            args = {"file": str(tmp_path / "lines"), "name": "x"}
            jobs = [shop.ask(tenants.a, "note", args) for _ in range(20)]
            assert time.monotonic() - asked < 3
            assert {state(shop, tenants, job) for job in jobs} == {State.QUEUED}
            with valkey_driver.start(settings.layout) as valkey:
                for job in jobs:
                    assert ended(shop, tenants, job, 60).state is State.SUCCEEDED
                valkey.kill()
            assert (tmp_path / "lines").read_text() == "x\n" * 20
    finally:
        stop()


def test_a_frozen_broker_delays_one_ring_and_not_each(settings: Settings) -> None:
    with valkey_driver.start(settings.layout) as valkey:
        until(lambda: valkey_driver.probe(settings.layout) == "")
        bell = CeleryBell(settings.broker_url)
        bell.ring(uuid7())
        os.kill(valkey.pid, signal.SIGSTOP)
        began = time.monotonic()
        for _ in range(5):
            with pytest.raises(BrokerDown):
                bell.ring(uuid7())
        assert time.monotonic() - began < 2
        os.kill(valkey.pid, signal.SIGCONT)
        until(lambda: heard(bell))


def heard(bell: CeleryBell) -> bool:
    try:
        return bell.waiting() > 0
    except BrokerDown:
        return False
