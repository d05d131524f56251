"""The leash, run as a process of its own; here with ``site``, so that its lines are counted as covered."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.kit import leash
from tests.factories.processes import FAMILY, STUBBORN, family, gone, shell, until

pytestmark = pytest.mark.counted
Started = subprocess.Popen[bytes]


class Leashes:
    """Starts leashes with an order, most of it filled in."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.running: list[Started] = []

    def start(self, argv: list[str], **order: object) -> Started:
        whole: dict[str, object] = {
            "argv": argv,
            "env": dict(os.environ),
            "cwd": None,
            "log": {"path": str(self.log), "limit": 1000, "keep": 2},
            "user": None,
            "appear": None,
            "limits": {},
            "nice": 0,
            "umask": 0o077,
            "streams": {},
            "stop": int(signal.SIGTERM),
            "grace": 5.0,
            "owner": os.getpid(),
            **order,
        }
        process = self.bare()
        self.tell(process, **whole)
        return process

    def bare(self) -> Started:
        process = subprocess.Popen(
            [sys.executable, leash.__file__, "test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.running.append(process)
        return process

    @staticmethod
    def tell(process: Started, **fields: object) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(fields).encode() + b"\n")

    @staticmethod
    def heard(process: Started) -> dict[str, Any]:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.readline())
        return told


@pytest.fixture
def leashes(tmp_path: Path) -> Iterator[Leashes]:
    made = Leashes(tmp_path / "child.log")
    yield made
    for process in made.running:
        process.terminate()
        with process:
            process.wait(10)


def test_reports_the_child_and_its_exit_code_and_exits_with_it(leashes: Leashes) -> None:
    process = leashes.start(shell("echo said; exit 3"))
    assert leashes.heard(process)["pid"] > 0
    assert leashes.heard(process) == {"exit": 3}
    assert process.wait(5) == 3
    assert leashes.log.read_text() == "said\n"


def test_reports_the_signal_that_ended_the_child(leashes: Leashes) -> None:
    process = leashes.start(shell("kill -KILL $$"), log=None)
    leashes.heard(process)
    assert leashes.heard(process) == {"exit": -9}
    assert process.wait(5) == 137


def test_a_program_that_cannot_be_run_is_an_error_with_its_reason(leashes: Leashes) -> None:
    process = leashes.start(["/nowhere/at/all"])
    assert "No such file" in leashes.heard(process)["error"]
    assert process.wait(5) == 127


def test_an_owner_that_is_already_gone_gets_no_child(leashes: Leashes) -> None:
    process = leashes.start(shell("echo ready"), owner=1)
    assert leashes.heard(process) == {"error": "the owner is gone"}
    assert not leashes.log.exists() or not leashes.log.read_text()


def test_an_owner_that_dies_before_it_orders_leaves_nothing(leashes: Leashes) -> None:
    process = leashes.bare()
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 127


def test_the_end_of_the_pipe_ends_the_whole_family(leashes: Leashes) -> None:
    process = leashes.start(shell(FAMILY))
    members = family(leashes.log)
    assert len(members) == 3
    assert process.stdin is not None
    process.stdin.close()
    process.wait(5)
    assert gone(members)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_leash_ends_the_whole_family(leashes: Leashes, number: signal.Signals) -> None:
    process = leashes.start(shell(FAMILY))
    members = family(leashes.log)
    process.send_signal(number)
    process.wait(5)
    assert gone(members)


def test_a_child_that_does_not_heed_its_stop_signal_is_killed_after_the_grace(leashes: Leashes) -> None:
    process = leashes.start(shell(STUBBORN))
    members = family(leashes.log)
    leashes.heard(process)
    leashes.tell(process, grace=0.3)
    assert leashes.heard(process) == {"exit": -9}
    process.wait(5)
    assert gone(members)


def test_a_second_stop_can_only_shorten_the_grace(leashes: Leashes) -> None:
    process = leashes.start(shell(STUBBORN))
    family(leashes.log)
    leashes.tell(process, grace=60)
    leashes.tell(process, grace=0)
    leashes.tell(process, grace=60)
    process.wait(5)


def test_the_child_gets_the_stop_signal_that_was_ordered(leashes: Leashes) -> None:
    script = "trap 'exit 7' INT; echo ready; while true; do sleep 0.01; done"
    process = leashes.start(shell(script), stop=int(signal.SIGINT))
    family(leashes.log)
    process.terminate()
    assert process.wait(5) == 7


def test_what_a_child_leaves_running_is_killed_when_it_ends(leashes: Leashes) -> None:
    process = leashes.start(shell("setsid sleep 1000 & echo $!; echo ready"))
    members = family(leashes.log)
    assert process.wait(5) == 0
    assert gone(members)


def test_a_full_log_is_set_aside(leashes: Leashes) -> None:
    process = leashes.start(shell("for i in 1 2 3 4 5; do head -c 600 /dev/zero; sleep 0.05; done"))
    process.wait(5)
    names = sorted(path.name for path in leashes.log.parent.iterdir())
    assert names == ["child.log", "child.log.1", "child.log.2"]
    assert leashes.log.stat().st_mode & 0o777 == 0o600


def test_directory_limits_niceness_and_streams_are_as_ordered(leashes: Leashes, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, leash.__file__, "test"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pass_fds=[output.fileno()],
        )
        leashes.running.append(process)
        order = {
            "cwd": str(tmp_path),
            "limits": {"RLIMIT_NOFILE": 77},
            "nice": 5,
            "streams": {"stdout": output.fileno()},
        }
        leashes.tell(process, **_order(shell("pwd; ulimit -n; nice; echo to the log >&2"), leashes.log), **order)
        assert process.wait(5) == 0
    assert said.read_text().split() == [str(tmp_path), "77", "5"]
    assert leashes.log.read_text() == "to the log\n"


def _order(argv: list[str], log: Path) -> dict[str, Any]:
    return {
        "argv": argv,
        "env": dict(os.environ),
        "log": {"path": str(log), "limit": 1000, "keep": 1},
        "user": None,
        "appear": None,
        "umask": 0o077,
        "stop": 15,
        "grace": 1,
        "owner": os.getpid(),
    }


@pytest.mark.parametrize("identity", [{"appear": 70}, {"user": [70, 70]}], ids=["appearing", "being"])
def test_a_child_can_run_as_another_user(leashes: Leashes, identity: dict[str, Any]) -> None:
    process = leashes.start(shell("id -u"), **identity)
    told = leashes.heard(process)
    if "user" in identity and os.geteuid() != 0:
        assert "not permitted" in told["error"]
        return
    assert leashes.heard(process) == {"exit": 0}
    assert leashes.log.read_text() == "70\n"


def test_family_finds_descendants_and_not_the_dead() -> None:
    with subprocess.Popen(shell("sleep 1000 & wait")) as process:
        until(lambda: len(leash.family(process.pid)) == 1)
        below = leash.family(process.pid)
        assert leash.stat(below[0])[1] == process.pid
        os.kill(below[0], signal.SIGKILL)
        until(lambda: leash.family(process.pid) == [])


def test_a_call_that_the_kernel_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="prctl"):
        leash.kernel("prctl", 99999, 0, 0, 0, 0)
