"""Who hangs and who is only busy: the verdict case by case, and on real processes."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.entry.up_plan import Part, parts
from appliance.entry.up_probes import Beats, living
from appliance.entry.up_pulse import Pulse, Silence
from appliance.kit.children import Child, spawn
from appliance.kit.layout import Layout
from appliance.kit.settings import WebSettings
from appliance.kit.work import worked
from tests.factories.processes import shell, until

STOPPED, BUSY = "exec sleep 1000", "while :; do :; done"


@pytest.mark.parametrize(
    ("times", "seconds", "work", "hangs"),
    [
        (3, 60.0, 0.0, True),
        (3, 59.0, 0.0, False),  # not for long enough
        (2, 600.0, 0.0, False),  # the machine slept: it was hardly asked
        (50, 300.0, 5.0, False),  # it works, if only little of a full machine
        (50, 300.0, 1.0, True),  # a thread beside the one that hangs
        (50, 600.0, 600.0, True),  # round and round
    ],
)
def test_who_is_silent_hangs_unless_it_works(times: int, seconds: float, work: float, hangs: bool) -> None:
    silence = Silence(pid=1, since=100.0, worked=7.0, times=times)
    assert silence.hangs(100.0 + seconds, 7.0 + work, patience=60.0) is hangs


def test_every_part_that_works_for_us_is_asked_and_no_store_is(tmp_path: Path) -> None:
    asked = {part.name for part in parts(engines=True) if part.patience}
    assert asked == living(Layout(tmp_path), WebSettings()).keys() == {"web", "encoder", "index", "worker"}


@contextmanager
def asking(script: str, *, answers: bool) -> Iterator[tuple[Pulse, Child]]:
    """A part that answers or not."""
    part = Part("part", module="x", patience=60.0)
    pulse = Pulse((part,), {"part": lambda: answers}, 0.01)
    with spawn(shell(script)) as child:
        pulse.start()
        yield pulse, child
        pulse.stop()


def test_a_process_that_does_nothing_and_does_not_answer_hangs() -> None:
    with asking(STOPPED, answers=False) as (pulse, child):
        until(lambda: pulse.hung({"part": child.pid}) == {"part"})
        assert pulse.hung({"part": child.pid + 1}) == set()
        assert pulse.hung({}) == set()


@pytest.mark.parametrize(("script", "answers"), [(BUSY, False), (STOPPED, True)])
def test_a_process_that_works_or_answers_does_not(script: str, answers: bool) -> None:
    with asking(script, answers=answers) as (pulse, child):
        end = time.monotonic() + 3  # of its patience of 0.6 s, and ten of them are not over
        while time.monotonic() < end:
            assert pulse.hung({"part": child.pid}) == set()
            time.sleep(0.05)


def test_a_process_that_was_stopped_does_no_work() -> None:
    with spawn(shell(BUSY)) as child:
        until(lambda: worked(child.pid) > 0)
        os.kill(child.pid, signal.SIGSTOP)
        before = worked(child.pid)
        signal.sigtimedwait([], 0.3)
        assert worked(child.pid) - before < 0.1
    with pytest.raises(OSError, match=str(child.pid)):
        worked(child.pid)


def test_a_beat_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "worker.beat"
    beats = Beats(path)
    assert not beats()
    path.touch()
    assert beats()
    assert not beats()
    os.utime(path, ns=(1, 1))  # a clock that was put back
    assert beats()


def test_nobody_is_asked_where_the_settings_say_so() -> None:
    pulse = Pulse((Part("part", patience=60.0),), {"part": lambda: False}, 0)
    pulse.start()
    assert pulse.hung({"part": os.getpid()}) == set()
