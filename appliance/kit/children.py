"""Starting processes that cannot outlive us, and clearing those of a former run.

Every child runs under ``leash.py``, which holds a pipe to this process and kills the child with all its descendants
when the pipe closes. An owner that may itself be killed also keeps ``appliance.kit.leftovers``.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from appliance.kit import leash
from appliance.kit.leftovers import MARK, ChildStillRunning, Trace, boot, program, started
from appliance.kit.priority import yield_to_others
from appliance.kit.work import worked_together

INTERPRETER: tuple[str, ...] = (sys.executable, "-I", "-S")


class ChildNotStarted(RuntimeError):
    """The program could not be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Log:
    """Where a child's output goes; at ``limit`` bytes it is set aside as ``.1`` … ``.keep``."""

    path: Path
    limit: int = 16 * 1024 * 1024
    keep: int = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the child is: another user (uid, gid), or ourselves under another number in a user namespace."""

    user: tuple[int, int] | None = None
    appear: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the child may use; None: as we may. ``memory`` is address space."""

    memory: int | None = None
    cpu_seconds: int | None = None
    file_size: int | None = None
    open_files: int | None = None
    processes: int | None = None
    nice: int = 0

    def named(self) -> dict[str, int]:
        """The kernel's names of those that are set."""
        limits = {
            "RLIMIT_AS": self.memory,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_NPROC": self.processes,
        }
        return {name: value for name, value in limits.items() if value is not None}


class Child:
    """A running child. Keep it: when it is collected, its pipe closes and the child is killed."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, mark: str) -> None:
        self.name = name
        self._process = process
        self._status: int | None = None
        if process.stdin is None or process.stdout is None:
            raise ChildNotStarted(name)
        self._order, self._report = process.stdin, process.stdout
        first = self._hear()
        if "pid" not in first:
            self._close()
            process.wait()
            raise ChildNotStarted(f"{name}: {first.get('error', 'its supervisor did not start')}")
        pid, leash_start = int(first["pid"]), started(process.pid) or 0
        self.trace = Trace(name, pid, int(first["start"]), process.pid, leash_start, program(pid), mark, boot())

    @property
    def pid(self) -> int:
        """The program's process."""
        return self.trace.pid

    @property
    def leash_pid(self) -> int:
        """Its supervisor's process."""
        return self.trace.leash

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it or anything that it started still runs."""
        if self._status is None and self._process.poll() is not None:
            self._status = self._ended()
        return self._status

    def worked(self) -> float:
        """Seconds of a core that it and all that it started have used, those that ended too; 0 once it has ended."""
        with suppress(OSError):
            return worked_together(self.leash_pid)
        return 0.0

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; ChildStillRunning when ``timeout`` seconds do not suffice."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise ChildStillRunning(f"{self.name} still runs after {timeout} s") from error
        status = self.poll()
        return -signal.SIGKILL if status is None else status

    def ask_to_stop(self, grace: float) -> None:
        """Begin to stop: its stop signal now, SIGKILL to all that is left after ``grace`` seconds. Does not wait."""
        with suppress(OSError, ValueError):
            self._order.write(json.dumps({"grace": grace}).encode() + b"\n")

    def stop(self, grace: float = 10.0) -> int:
        """Stop it and wait until all of its processes are gone."""
        self.ask_to_stop(grace)
        return self.wait()

    def kill(self) -> int:
        """End it at once, with all its processes."""
        return self.stop(0)

    def _hear(self) -> dict[str, int | str]:
        line = self._report.readline()
        told: dict[str, int | str] = json.loads(line) if line.endswith(b"\n") else {}
        return told

    def _ended(self) -> int:
        told = self._hear()
        self._close()
        if "exit" not in told:  # the supervisor itself was killed, and left to us what it held
            self.trace.clear()
        return int(told.get("exit", -signal.SIGKILL))

    def _close(self) -> None:
        self._order.close()
        self._report.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def spawn(  # noqa: PLR0913 - each of these is one property of the child, all but the first have a default
    argv: Sequence[str | Path],
    *,
    name: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Log | Path | None = None,
    identity: Identity = Identity(),
    limits: Limits = Limits(),
    streams: Mapping[str, int] | None = None,
    stop_signal: int = signal.SIGTERM,
    grace: float = 10.0,
) -> Child:
    """Start a program under a leash; ChildNotStarted with the reason when it cannot be run.

    ``env`` is the whole environment (None: ours). ``streams`` gives file descriptors for "stdin", "stdout", "stderr";
    what is not given goes to the log, or nowhere. ``stop_signal`` and ``grace`` (seconds) are how it is stopped when
    this process ends; nothing of it outlives us by more than ``leash.ORPHAN_GRACE`` and a moment.
    """
    name, mark = name or Path(argv[0]).name, secrets.token_hex(8)
    given = Log(log) if isinstance(log, Path) else log
    streams = dict(streams or {})
    order = {
        "argv": [str(part) for part in argv],
        "env": {**(os.environ if env is None else env), MARK: mark},
        "cwd": str(cwd) if cwd else None,
        "log": {"path": str(given.path), "limit": given.limit, "keep": given.keep} if given else None,
        "user": identity.user,
        "appear": identity.appear,
        "limits": limits.named(),
        "nice": limits.nice,
        "umask": 0o077,
        "streams": streams,
        "stop": int(stop_signal),
        "grace": grace,
        "owner": os.getpid(),
    }
    process = subprocess.Popen(
        [*INTERPRETER, leash.__file__, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        pass_fds=tuple(streams.values()),
        start_new_session=True,
    )
    with suppress(BrokenPipeError):
        _whole(process.stdin, json.dumps(order).encode() + b"\n")
    child = Child(process, name, mark)
    with suppress(OSError):  # it may be gone already
        nice = os.getpriority(os.PRIO_PROCESS, child.pid)  # what was inherited counts too: its session is a new group
        if nice > 0:
            yield_to_others(nice, child.pid)
    return child


def _whole(pipe: IO[bytes] | None, data: bytes) -> None:
    """Write all of it: an unbuffered pipe may take less at once."""
    while pipe is not None and data:
        data = data[pipe.write(data) :]
