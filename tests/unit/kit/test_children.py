"""Children die with their owner, whoever of them is killed first."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.kit import leftovers
from appliance.kit.children import Child, ChildNotStarted, Identity, Limits, Log, spawn
from appliance.kit.leftovers import ChildStillRunning, Leftovers, started
from tests.factories.processes import FAMILY, STUBBORN, family, gone, shell, until

OWNER = """
import json, sys, time
from pathlib import Path
from appliance.kit.children import spawn
from appliance.kit.leftovers import Leftovers
child = spawn({argv!r}, name="grand", log=Path({log!r}))
Leftovers(Path({run!r})).record(child.trace)
print(child.pid, child.leash_pid, flush=True)
time.sleep(1000)
"""


def owner(tmp_path: Path, script: str) -> subprocess.Popen[str]:
    code = OWNER.format(argv=shell(script), log=str(tmp_path / "log"), run=str(tmp_path))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_child_ends_with_its_code_and_its_output_in_the_log(tmp_path: Path) -> None:
    child = spawn(shell("echo $GREETING; exit 4"), env={"GREETING": "hello"}, log=tmp_path / "log")
    assert child.wait(5) == 4
    assert child.poll() == 4
    assert (tmp_path / "log").read_text() == "hello\n"


def test_a_running_child_is_not_waited_for_longer_than_asked() -> None:
    with spawn(["sleep", "1000"]) as child:
        assert child.name == "sleep"
        assert child.poll() is None
        with pytest.raises(ChildStillRunning, match="sleep still runs"):
            child.wait(0.05)
    assert child.poll() == -signal.SIGKILL


def test_what_it_has_worked_counts_those_that_it_started_and_those_that_ended() -> None:
    burn = f"{sys.executable} -S -c 'import time\nwhile time.process_time() < 0.5: pass'"
    with spawn(shell(f"{burn}; setsid {burn} & sleep 1000")) as child:
        until(lambda: child.worked() >= 1, 20)
        done = child.worked()
        with pytest.raises(ChildStillRunning):
            child.wait(0.3)
        assert child.worked() - done < 0.1
    assert child.worked() == 0


def test_stopping_is_asked_for_first_and_enforced_after(tmp_path: Path) -> None:
    willing = spawn(["sleep", "1000"])
    stubborn = spawn(shell(STUBBORN), log=Log(tmp_path / "log"))
    members = family(tmp_path / "log")
    assert willing.stop(5) == -signal.SIGTERM
    assert stubborn.stop(0.2) == -signal.SIGKILL
    assert gone(members)
    willing.ask_to_stop(1)  # of one that has ended: nothing


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(ChildNotStarted, match=r"nowhere: .*No such file"):
        spawn(["/no/such/nowhere"])


def test_limits_and_streams_reach_the_child(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    limits = Limits(memory=2**30, cpu_seconds=9, nice=3)
    child = spawn(shell("ulimit -v; ulimit -t; nice"), limits=limits, streams={"stdout": writing})
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read().split() == [str(2**20), "9", "3"]
    assert child.wait(5) == 0


def test_kill_9_of_the_leash_leaves_none_of_the_family(tmp_path: Path) -> None:
    child = spawn(shell(FAMILY), log=tmp_path / "log")
    members = family(tmp_path / "log")
    os.kill(child.leash_pid, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    assert gone(members)


def test_kill_9_of_the_child_leaves_none_of_the_family(tmp_path: Path) -> None:
    child = spawn(shell(FAMILY), log=tmp_path / "log")
    members = family(tmp_path / "log")
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    assert gone(members)


@pytest.mark.parametrize("script", [FAMILY, STUBBORN], ids=["willing", "stubborn"])
def test_kill_9_of_the_owner_leaves_no_survivor_after_10_seconds(tmp_path: Path, script: str) -> None:
    with owner(tmp_path, script) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        members = family(tmp_path / "log") + pids
        process.kill()
    until(lambda: gone(members), 10)


def test_a_later_run_clears_what_a_killed_run_left_behind(tmp_path: Path) -> None:
    with owner(tmp_path, FAMILY) as process:
        assert process.stdout is not None
        pid, leash_pid = (int(part) for part in process.stdout.readline().split())
        members = [*family(tmp_path / "log"), leash_pid]
        os.kill(leash_pid, signal.SIGSTOP)  # a leash that cannot act: the worst case
        process.kill()
    assert started(pid) is not None
    cleared = Leftovers(tmp_path).clear()
    assert set(members) <= set(cleared)
    assert gone(members)
    assert not list(tmp_path.glob("*.pid"))


def test_members_that_lost_the_mark_are_known_by_session_and_program(tmp_path: Path) -> None:
    script = "env -i sleep 1000 & echo $!; echo ready; wait"
    child = spawn(shell(script), log=tmp_path / "log")
    [member] = family(tmp_path / "log")
    until(lambda: leftovers.program(member).endswith("sleep"))
    trace = replace(child.trace, program=leftovers.program(member), mark="another")
    os.kill(child.leash_pid, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: started(child.pid) is None)
    assert trace.alive() == [child.leash_pid, member]
    assert child.trace.clear() == [child.leash_pid]
    os.kill(member, signal.SIGKILL)
    assert child.wait(5) == -signal.SIGKILL


def test_a_reused_process_id_is_never_harmed(tmp_path: Path) -> None:
    with spawn(["sleep", "1000"], name="stranger") as stranger:
        trace = stranger.trace
        stale = replace(trace, start=trace.start - 1, leash_start=trace.leash_start - 1, mark="of another run")
        Leftovers(tmp_path).record(stale)
        assert Leftovers(tmp_path).clear() == []
        assert stranger.poll() is None


def test_records_of_a_former_boot_and_torn_records_name_nobody(tmp_path: Path) -> None:
    with spawn(["sleep", "1000"], name="stranger") as stranger:
        Leftovers(tmp_path).record(replace(stranger.trace, boot="former"))
        (tmp_path / "torn.pid").write_text('{"pid": 1')
        (tmp_path / "other.pid").write_text(json.dumps({"pid": stranger.pid}))
        assert Leftovers(tmp_path).clear() == []
        assert stranger.poll() is None


def test_a_forgotten_child_is_not_cleared(tmp_path: Path) -> None:
    records = Leftovers(tmp_path)
    with spawn(["sleep", "1000"], name="kept") as kept, spawn(["sleep", "1000"], name="other") as other:
        records.record(kept.trace)
        records.record(other.trace)
        records.forget("kept")
        assert set(records.clear("oth*")) >= {other.pid}
        assert kept.poll() is None
        assert other.wait(5) == -signal.SIGKILL


def test_clearing_that_does_not_succeed_is_told() -> None:
    with spawn(["sleep", "1000"], name="stuck") as child, pytest.raises(ChildStillRunning, match="stuck"):
        child.trace.clear(timeout=-1)


def test_a_process_that_is_gone_has_no_start_and_no_program() -> None:
    child = spawn(["true"])
    child.wait(5)
    assert started(child.pid) is None
    assert leftovers.program(child.pid) == ""


def test_a_child_can_be_another_user_and_dies_with_its_leash_all_the_same(tmp_path: Path) -> None:
    command, identity = shell("id -u; echo ready; exec sleep 1000"), Identity(user=(65534, 65534))
    if os.geteuid() != 0:
        with pytest.raises(ChildNotStarted, match="not permitted"):
            spawn(command, identity=identity)
        return
    child = spawn(command, identity=identity, log=tmp_path / "log")
    assert family(tmp_path / "log") == [65534]
    os.kill(child.leash_pid, signal.SIGKILL)
    assert child.wait(5) == -signal.SIGKILL


def test_a_child_can_appear_as_another_user_and_dies_with_its_leash_all_the_same(tmp_path: Path) -> None:
    command, identity = shell("id -u; echo ready; exec sleep 1000"), Identity(appear=70)
    child = spawn(command, identity=identity, log=tmp_path / "log")
    assert family(tmp_path / "log") == [70]
    os.kill(child.leash_pid, signal.SIGKILL)
    assert child.wait(5) == -signal.SIGKILL


def test_a_supervisor_that_does_not_start_is_told(tmp_path: Path) -> None:
    process = subprocess.Popen(["/bin/true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    with pytest.raises(ChildNotStarted, match="its supervisor did not start"):
        Child(process, "never", "mark")
    process = subprocess.Popen(["/bin/true"])
    with pytest.raises(ChildNotStarted):
        Child(process, "never", "mark")
    process.wait()


def test_the_order_is_written_whole(tmp_path: Path) -> None:
    huge = "x" * 100_000
    env = {"HUGE": huge, "A": huge, "B": huge}
    child = spawn(shell("echo ${#HUGE}"), env=env, log=tmp_path / "log")
    assert child.wait(5) == 0
    assert (tmp_path / "log").read_text() == "100000\n"
    assert leftovers.MARK == "APPLIANCE_LEASH"
