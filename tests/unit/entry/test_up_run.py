"""The loop of ``up``, with real processes in the place of the appliance's parts."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from appliance.entry import up_run
from appliance.entry.up_plan import HOPELESS, Life, Part, State
from appliance.entry.up_pulse import Pulse
from appliance.entry.up_run import Parts
from appliance.entry.up_view import View
from appliance.kit.children import Child, ChildNotStarted, spawn
from appliance.kit.leftovers import Leftovers
from tests.factories.processes import gone, shell

STORE = Part("store", grace=2.0)
OURS = Part("ours", needs=("store",), module="x", grace=2.0, patience=0.5)
ONCE = Part("once", needs=("store",), module="x", once=True)
SLEEP = "exec sleep 1000"


class Silent:
    """A view that shows nothing."""

    def show(self, lives: Mapping[str, Life], now: float) -> None: ...

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def close(self) -> None: ...


class Stage:
    """Parts that run shell scripts, and what became of them."""

    def __init__(self, place: Path) -> None:
        self.records = Leftovers(place)
        self.scripts = {"store": SLEEP, "ours": SLEEP, "once": "exit 0"}
        self.told = {"store": "", "ours": ""}
        self.order: list[str] = []
        self.place = place
        self.seen: list[dict[str, State]] = []
        self.view = Silent()
        self.said = self.view.said
        self.answers = True
        self.pulse = Pulse((OURS,), {"ours": lambda: self.answers}, 1.0)
        self.parts = Parts(
            (STORE, OURS, ONCE),
            self.start,
            {"store": lambda: self.told["store"], "ours": lambda: self.told["ours"]},
            self.log,
            self.pulse,
        )

    def log(self, name: str) -> Path:
        return self.place / f"{name}.log"

    def start(self, part: Part) -> Child:
        self.order.append(part.name)
        return spawn(shell(self.scripts[part.name]), name=part.name, log=self.log(part.name))

    def changed(self, lives: Mapping[str, Life], pids: Mapping[str, int]) -> None:
        assert set(pids) <= set(lives)
        self.seen.append({name: life.state for name, life in lives.items()})

    def run(self, until: Callable[[], bool], ticks: int = 2000) -> str | None:
        left = iter(range(ticks))

        def stopping(seconds: float) -> bool:
            signal.sigtimedwait([], seconds / 10)
            assert next(left, None) is not None, self.parts.lives
            return until()

        view: View = self.view
        return up_run.run(self.parts, self.records, view, self.changed, stopping)

    def state(self, name: str) -> State:
        return self.parts.lives[name].state


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.pulse.stop()
    made.parts.stop(lambda: True)


def test_parts_start_in_order_and_each_change_is_told(stage: Stage) -> None:
    assert stage.run(lambda: stage.state("ours") is State.READY and stage.state("once") is State.DONE) is None
    assert stage.order[0] == "store"
    assert {"store": State.STARTING, "ours": State.WAITING, "once": State.WAITING} in stage.seen
    assert {path.name for path in stage.place.glob("*.pid")} == {"store.pid", "ours.pid"}
    assert set(stage.parts.pids()) == {"store", "ours"}


def test_what_is_needed_is_waited_for_and_what_it_says_is_shown(stage: Stage) -> None:
    stage.told["store"] = "recovering"
    stage.run(lambda: stage.parts.lives["store"].detail == "recovering")
    assert stage.order == ["store"]
    stage.told["store"] = ""
    stage.run(lambda: stage.state("ours") is State.READY)


def test_a_killed_part_is_started_again(stage: Stage) -> None:
    stage.run(lambda: stage.state("ours") is State.READY)
    os.kill(stage.parts.pids()["ours"], signal.SIGKILL)
    stage.run(lambda: stage.parts.lives["ours"].starts == 2 and stage.state("ours") is State.READY)
    assert stage.order.count("store") == 1


def test_a_part_that_hangs_is_given_up_and_started_again(stage: Stage) -> None:
    stage.pulse.start()
    stage.run(lambda: stage.state("ours") is State.READY)
    former = stage.parts.pids()["ours"]
    os.kill(former, signal.SIGSTOP)
    stage.answers = False
    details: list[str] = []

    def again() -> bool:
        details.append(stage.parts.lives["ours"].detail)
        stage.answers = stage.answers or stage.state("ours") is State.PAUSING
        return stage.parts.lives["ours"].starts == 2 and stage.state("ours") is State.READY

    stage.run(again)
    assert gone([former])
    assert "killed by signal 9: it did not answer any more" in details
    assert stage.said == ["ours does not answer any more, and is started again."]
    assert stage.order.count("store") == 1


def test_a_part_that_cannot_live_ends_all_with_its_last_words(stage: Stage) -> None:
    stage.scripts["ours"] = "echo the disk is full; exit 7"
    stage.told["ours"] = "loading"
    told = stage.run(lambda: False)
    assert told == "ours cannot run: ended with code 7: the disk is full"
    assert stage.order.count("ours") == HOPELESS


def test_a_part_that_cannot_even_be_started_ends_all(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    def refuse(part: Part) -> Child:
        raise ChildNotStarted(f"{part.name}: no such program")

    stage.parts = Parts((STORE,), refuse, {}, stage.log)
    assert stage.run(lambda: False) == "store cannot run: store: no such program"


def test_stopping_leaves_nothing_and_stops_what_is_needed_last(stage: Stage) -> None:
    stage.scripts["store"] = f"trap 'date +%s%N > {stage.place}/store.end; exit' TERM; while true; do sleep 0.01; done"
    stage.scripts["ours"] = f"trap 'date +%s%N > {stage.place}/ours.end; exit' TERM; while true; do sleep 0.01; done"
    stage.run(lambda: stage.state("ours") is State.READY)
    pids = list(stage.parts.pids().values())
    signal.sigtimedwait([], 0.3)  # let the shells set their traps
    stage.parts.stop(lambda: False)
    assert gone(pids)
    ends = [int((stage.place / f"{name}.end").read_text()) for name in ("ours", "store")]
    assert ends == sorted(ends)


def test_a_second_request_to_stop_waits_for_nobody(stage: Stage) -> None:
    stage.scripts["ours"] = "trap '' TERM; while true; do sleep 1000; done"
    stage.parts.plan = (STORE, Part("ours", needs=("store",), module="x", grace=1000.0))
    stage.run(lambda: stage.state("ours") is State.READY)
    stage.parts.stop(lambda: True)
    assert gone(list(stage.parts.pids().values()))
