"""kill -9 of the host and of either shard at every step of a hand-over: afterwards vectors equal chunks."""

import os
import signal
import time
from pathlib import Path

import pytest

from appliance.drivers.vectors.port import Scope
from tests.factories.corpus import Library
from tests.integration.index.conftest import OPTIMISE_AFTER, Index, until

HERE = Path(__file__).parent
STEPS = ("paused", "spawned", "copied", "ready", "switched", "taken")


def _agree(index: Index, library: Library, documents: list[object]) -> None:
    """What must hold after any accident, and that work goes on after it."""
    until("points", lambda: index.live() and index.equal(library))
    library.ingest(11)
    until("new points", lambda: index.equal(library))
    until("verified", lambda: index.line.call("verify", repair=False)["agrees"])
    for document in documents:
        until("flips", lambda: library.document(document).state == "ready")  # type: ignore[arg-type] # noqa: B023
    legs = index.reader.search(Scope(library.tenant, frozenset({"everyone"})), library.vectors.dense(1)[0], None, 9)
    assert len(legs.dense) == 9


def _shards(index: Index) -> list[int]:
    """The shard processes that run."""
    return [pid for pid in index.survivors() if b"index_shard" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.counted
@pytest.mark.repeated
@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("victim", ["host", "live", "coming"])
def test_a_kill_at_any_step_of_a_hand_over_loses_nothing(
    index: Index, library: Library, step: str, victim: str
) -> None:
    index.start(str(HERE / "host_that_dies.py"), step, victim)
    until("live", index.live)
    documents: list[object] = [library.ingest(OPTIMISE_AFTER // 2), library.ingest(OPTIMISE_AFTER // 2 + 10)]
    if victim == "host":
        assert index.host is not None
        index.host.wait(60)
        until("no survivor", lambda: not index.survivors(), 10)
        documents.append(library.ingest(20))
        index.start()
    else:
        documents.append(library.ingest(20))
    _agree(index, library, documents)


def test_a_kill_in_the_middle_of_projecting_loses_and_doubles_nothing(index: Index, library: Library) -> None:
    index.start()
    until("live", index.live)
    documents: list[object] = []
    for _ in range(3):
        documents.append(library.ingest(OPTIMISE_AFTER // 4))
        until("a shard process", lambda: _shards(index))
        os.kill(_shards(index)[0], signal.SIGKILL)
    _agree(index, library, documents)


def test_a_host_killed_while_the_new_shard_optimises_leaves_nothing_behind(index: Index, library: Library) -> None:
    index.start()
    until("live", index.live)
    documents: list[object] = [library.ingest(OPTIMISE_AFTER + 1)]
    until("a second generation", (index.layout.index / "generation-000002" / "shard").exists)
    index.kill()
    began = time.monotonic()
    until("no survivor", lambda: not index.survivors(), 10)
    assert time.monotonic() - began < 10
    index.start()
    _agree(index, library, documents)
    assert len(list(index.layout.index.glob("generation-*"))) <= 2
