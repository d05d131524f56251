"""What a killed run leaves behind, and how it is cleared before the next one starts.

Whoever starts children writes down pid *and* the kernel's start time of each, so that a process which merely got the
same number later is never harmed. A killed vLLM server leaves its engine and 820 MB behind: both must be gone first.
"""

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.kit import leash

MARK = "APPLIANCE_LEASH"
"""A variable that each child hands down: how descendants are known when their leash was killed."""
CLEARING = 15.0
"""Seconds that killed processes may take to vanish: memory of some gigabytes is given back first."""


class ChildStillRunning(TimeoutError):
    """The child did not end within the time given."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How a started child, its leash and its descendants are found again, and nobody else is."""

    name: str
    pid: int
    start: int
    leash: int
    leash_start: int
    program: str
    mark: str
    boot: str

    def clear(self, timeout: float = CLEARING) -> list[int]:
        """Kill whatever is left, wait until it is gone, and tell what it was; ChildStillRunning when it will not go."""
        deadline, cleared = time.monotonic() + timeout, set[int]()
        while alive := self.alive():
            cleared.update(alive)
            if time.monotonic() > deadline:
                raise ChildStillRunning(f"{self.name}: processes {alive} do not end")
            for pid in alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        return sorted(cleared)

    def alive(self) -> list[int]:
        """Processes of this child that still run, its leash first."""
        if self.boot != boot():
            return []
        both = ((self.leash, self.leash_start), (self.pid, self.start))
        exact = [pid for pid, start in both if started(pid) == start]
        return exact + [pid for pid in leash.processes() if pid not in exact and self._ours(pid)]

    def _ours(self, pid: int) -> bool:
        try:
            if leash.stat(pid)[2] < self.start:
                return False
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            return f"{MARK}={self.mark}".encode() in variables or self._in_session(pid)
        except OSError:
            return False

    def _in_session(self, pid: int) -> bool:
        """For programs that overwrite their environment: the child's session and the child's program.

        A session's number is not given away while the session has members, but may be once it was empty.
        """
        return os.getsid(pid) == self.pid and started(self.pid) is None and program(pid) == self.program


def boot() -> str:
    """This boot of the machine: start times count from it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def started(pid: int) -> int | None:
    """Start time of a running process in clock ticks since boot; None when there is none, or only its zombie."""
    try:
        state, _, start = leash.stat(pid)
    except OSError:
        return None
    return None if state in "ZX" else start


def program(pid: int) -> str:
    """The file that a process runs; empty when that cannot be told."""
    with suppress(OSError):
        return str(Path(f"/proc/{pid}/exe").readlink())
    return ""


class Leftovers:
    """Records of the children of one directory, by which a later run finds what a killed run left behind."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def record(self, trace: Trace) -> None:
        """Write down a child, in place of a former one of the same name."""
        path = self._path(trace.name)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(trace)), encoding="utf-8")
        fresh.replace(path)

    def forget(self, name: str) -> None:
        """The child has ended."""
        self._path(name).unlink(missing_ok=True)

    def clear(self, names: str = "*") -> list[int]:
        """End what is left of recorded children whose name matches; the processes that had to be killed."""
        cleared: list[int] = []
        for path in sorted(self.directory.glob(f"{names}.pid")):
            with suppress(ValueError, TypeError):  # a record half-written when the power went names no process
                cleared += Trace(**json.loads(path.read_text(encoding="utf-8"))).clear()
            path.unlink(missing_ok=True)
        return cleared

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.pid"
