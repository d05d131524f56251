"""The record of a running appliance is believed only while that very process runs."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.entry import up_record
from appliance.entry.up_plan import Life
from appliance.entry.up_record import NotRunning, Record, WillNotStop
from appliance.kit.layout import Layout
from appliance.kit.leftovers import started


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    made.make()
    return made


def described() -> Record:
    lives = {"web": Life().begun(1).begun(2).told("x")}
    return up_record.describe("http://127.0.0.1:1", "starting", lives, {"web": 77})


def of(process: subprocess.Popen[bytes]) -> Record:
    return replace(described(), pid=process.pid, start=started(process.pid) or 0)


def test_what_was_written_is_read_back(layout: Layout) -> None:
    up_record.write(layout, described())
    found = up_record.read(layout)
    assert found == described()
    assert found.pid == os.getpid()
    assert found.parts["web"].restarts == 1
    assert found.parts["web"].pid == 77


def test_nothing_runs_where_nothing_was_written_or_it_was_removed(layout: Layout) -> None:
    with pytest.raises(NotRunning):
        up_record.read(layout)
    up_record.write(layout, described())
    up_record.remove(layout)
    with pytest.raises(NotRunning):
        up_record.read(layout)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"parts": {"web": {}}}', '{"parts": {}, "pid": 1}'])
def test_a_torn_record_names_nobody(layout: Layout, text: str) -> None:
    (layout.run / "up.json").write_text(text)
    with pytest.raises(NotRunning):
        up_record.read(layout)


def test_a_reused_process_id_is_not_taken_for_the_appliance(layout: Layout) -> None:
    up_record.write(layout, replace(described(), start=1))
    with pytest.raises(NotRunning):
        up_record.stop(layout)


def test_stopping_asks_and_waits_until_it_has_ended(layout: Layout) -> None:
    with subprocess.Popen(["/bin/sleep", "1000"]) as process:
        up_record.write(layout, of(process))
        up_record.stop(layout, 10)
        assert process.wait(1) == -15


def test_one_that_does_not_stop_is_named(layout: Layout) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        up_record.write(layout, of(process))
        with pytest.raises(WillNotStop, match=str(process.pid)):
            up_record.stop(layout, 0.1)
        process.kill()
