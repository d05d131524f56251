"""A worker that is killed while it imports: nothing outlives it, and the next one goes on where it was."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from appliance.catalog import gather, importing, tasks
from appliance.drivers.blobs import STAGING
from appliance.drivers.broker import MemoryBell
from appliance.entry import handlers
from appliance.jobs.registry import Registry
from appliance.jobs.sweep import Sweep
from appliance.kit.settings import JobSettings
from tests.factories import lora, models
from tests.factories.processes import gone, until
from tests.integration.catalog.works import Works

ROOT = Path(__file__).parents[3]
SHARDS, MIB = 8, 1 << 20
SHARD = 48 * MIB


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A model as one downloads it."""
    directory = lora.base(tmp_path / "outside", "small")
    (directory / "manifest.json").unlink()
    (directory / "tokenizer.json").write_text("{}")
    return directory


@pytest.fixture
def large(small: Path) -> Path:
    """A model of eight shards, most of it holes on the disk."""
    directory = small
    (directory / "model.safetensors").unlink()
    for number in range(SHARDS):
        told = {f"layer.{number}": {"dtype": "U8", "shape": [SHARD], "data_offsets": [0, SHARD]}}
        path = directory / f"model-{number}.safetensors"
        path.write_bytes(models.safetensors(told, b""))
        os.truncate(path, path.stat().st_size + SHARD)
    return directory


def noted(work: Path) -> list[str]:
    """The shards that were copied whole."""
    state = work / gather.STATE
    lines = state.read_text().splitlines() if state.is_file() else []
    return [path for path in (json.loads(line)["path"] for line in lines) if path.startswith("model-")]


def progress(works: Works, job: str) -> Iterator[tuple[str, int, int]]:
    """Stage, done and total, as the job told them."""
    for line in works.client.get(f"/api/v1/jobs/{job}/events", headers=works.headers).text.splitlines():
        told = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
        if "stage" in told.get("data", told):
            found = told.get("data", told)
            yield found["stage"], found["done"], found["total"]


def children(pid: int) -> list[int]:
    """All that a process started, and what that started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found += [int(status.parent.name), *children(int(status.parent.name))]
    return found


def worker_of(works: Works) -> subprocess.Popen[bytes]:
    """A process that runs the job whose turn it is."""
    environment = {
        **os.environ,
        "APPLIANCE_DATA": str(works.settings.data),
        "APPLIANCE_MODELS": str(works.settings.model_store),
        "APPLIANCE_DATABASE__NAME": works.settings.database.name,
        "APPLIANCE_JOBS__LEASE_SECONDS": "2",
    }
    return subprocess.Popen([sys.executable, "-m", "tests.integration.catalog.program"], env=environment, cwd=ROOT)


def swept(works: Works) -> None:
    """What the killed worker had is somebody else's to do, or has ended."""
    registry = Registry()
    tasks.register(registry, lambda: works.settings)
    pools = works.databases
    sweep = Sweep(pools.system, pools.app, registry, MemoryBell(), JobSettings(attempts=3))
    until(lambda: (done := sweep.once()) is not None and done.reclaimed == 1, 10)


@pytest.fixture
def placed(works: Works, small: Path, superuser: Engine) -> tuple[str, Path]:
    """The job of a worker that was killed after its files had their place and before their row was written."""
    job = str(works.ask(small, "small").json()["id"])
    with superuser.begin() as holding:
        holding.execute(text("lock table model_versions in share mode"))
        worker = worker_of(works)
        until(lambda: bool(works.left()) or worker.poll() is not None, 60)
        worker.kill()
        worker.wait()
    (name,) = works.left()
    assert works.client.get("/api/v1/models", params={"name": "small"}, headers=works.headers).json()["items"] == []
    shutil.rmtree(small)  # the medium was pulled out
    return job, works.settings.model_store / name


def test_an_import_that_is_killed_before_its_row_is_written_goes_on_there(
    works: Works, placed: tuple[str, Path]
) -> None:
    job, place = placed
    before = (place / "model.safetensors").stat().st_ino
    swept(works)
    works.work()
    model = works.model(works.client.get(f"/api/v1/jobs/{job}", headers=works.headers).json())
    assert place.name == f"small@{model['digest'][:12]}"
    assert (model["state"], model["signature"]) == ("verified", "unsigned")
    assert (place / "model.safetensors").stat().st_ino == before
    assert list((works.settings.model_store / importing.WORK).iterdir()) == []


def test_an_import_that_is_killed_there_and_then_cancelled_leaves_nothing(
    works: Works, placed: tuple[str, Path]
) -> None:
    job, place = placed
    assert works.client.post(f"/api/v1/jobs/{job}/cancel", headers=works.headers).status_code == 200
    assert place.is_dir()
    swept(works)
    assert works.client.get(f"/api/v1/jobs/{job}", headers=works.headers).json()["state"] == "cancelled"
    assert works.left() == []
    assert list((works.settings.model_store / importing.WORK).iterdir()) == []


@pytest.mark.slow
def test_a_killed_import_goes_on_with_the_next_shard_and_tells_how_far_it_is(works: Works, large: Path) -> None:
    job = works.ask(large, "large").json()
    work = importing.workplace(works.settings.model_store, UUID(job["id"]))
    worker = worker_of(works)
    until(lambda: len(noted(work)) >= 2 or worker.poll() is not None, 60)
    family = children(worker.pid)
    worker.kill()
    worker.wait()
    assert family, "its copier"
    until(lambda: gone(family))
    before = noted(work)
    assert 2 <= len(before) < SHARDS
    inodes = {name: (work / gather.FILES / name).stat().st_ino for name in before}
    swept(works)
    works.work()
    done = works.client.get(f"/api/v1/jobs/{job['id']}", headers=works.headers).json()
    model = works.model(done)
    place = works.settings.model_store / f"large@{model['digest'][:12]}"
    assert {name: (place / name).stat().st_ino for name in before} == inodes, "what was copied is not copied again"
    assert list((works.settings.model_store / importing.WORK).iterdir()) == []
    _grows(list(progress(works, job["id"])))


def _grows(told: list[tuple[str, int, int]]) -> None:
    """Each attempt's figures of a stage grow, between nothing and all; the last attempt's copy ends with all."""
    copied = [(done, total) for stage, done, total in told if stage == "copy"]
    total = copied[-1][1]
    assert {each for _, each in copied} == {total}
    assert SHARDS * SHARD < total < SHARDS * SHARD + MIB
    fractions = [done / total for done, _ in copied]
    falls = sum(later < earlier for earlier, later in pairwise(fractions))
    assert falls <= 1, "once at most: when the second attempt began"
    assert fractions[-1] == 1
    assert len({each for each in fractions if 0 < each < 1}) >= 2, fractions
    read = [done / total for stage, done, total in told if stage == "verify"]
    assert (read[0], read[-1]) == (0, 1)
    assert read == sorted(read)


def test_what_a_killed_pull_left_goes_with_the_chores_of_the_worker(works: Works) -> None:
    left = works.settings.model_store / STAGING / "of-a-killed-one"
    left.mkdir(parents=True)
    (left / "weights.whl").write_bytes(b"half")
    for chore in handlers.chores(works.settings):
        with works.databases.system.session() as session:
            chore(session)
    assert not left.exists()
