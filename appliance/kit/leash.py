"""One child on a leash: it and all it ever started die with its owner, whichever way the owner dies.

A process of its own, ``python -I -S leash.py NAME``, standard library only: it starts in 20 ms and nothing of ours can
break it. Single-threaded on purpose: PDEATHSIG fires when the *thread* that forked the child ends.

Standard input is the pipe to the owner: first the order (JSON, see ``appliance.kit.children``), then perhaps lines
``{"grace": seconds}`` that ask for a stop; its end means that the owner is gone. The owner's pidfd is watched too:
a process that the owner forked may hold the pipe open. Standard output reports JSON lines: ``{"pid", "start"}`` or
``{"error"}`` first, ``{"exit"}`` last (negative: the signal that ended the child).

To stop, the child alone gets its stop signal (a postmaster and a vLLM server shut their own children down); after the
grace every descendant gets SIGKILL, those that called setsid too: the leash is their subreaper.
"""

import ctypes
import json
import os
import resource
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWUSER = 0x10000000
ORPHAN_GRACE = 4.0  # seconds that a child has when its owner is gone: nothing may survive ten
PRESS = 0.05  # seconds between two looks at what is left, once killing has begun


def kernel(name: str, *arguments: int) -> None:
    """Call a function of libc, or raise its OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def fields(pid: int) -> list[str]:
    """What the kernel tells of a process, from its state (proc(5)'s third field) on; OSError when there is none."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def stat(pid: int) -> tuple[str, int, int]:
    """State letter, parent and start time (clock ticks since boot) of a process; OSError when there is none."""
    told = fields(pid)
    return told[0], int(told[1]), int(told[19])


def processes() -> list[int]:
    """Every process that this one can see."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def family(root: int) -> list[int]:
    """Descendants of ``root`` that still run, parents before children; zombies do not count."""
    children: dict[int, list[int]] = {}
    running: set[int] = set()
    for pid in processes():
        with suppress(OSError):
            state, parent, _ = stat(pid)
            children.setdefault(parent, []).append(pid)
            if state not in "ZX":
                running.add(pid)
    found = [root]
    for pid in found:  # it grows on the way
        found += children.get(pid, [])
    return [pid for pid in found[1:] if pid in running]


def kill_below() -> bool:
    """SIGKILL all that descends from this process; False when there was nothing."""
    for pid in (members := family(os.getpid())):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(members)


def pipe() -> tuple[int, int]:
    """A pipe whose reading end does not wait."""
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    return ends


class Log:
    """A file that is appended to, and set aside as ``.1 … .keep`` when it is full."""

    def __init__(self, path: str, limit: int, keep: int) -> None:
        self.path, self.limit, self.keep = path, limit, keep
        self._open()

    def _open(self) -> None:
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.size = os.fstat(self.fd).st_size

    def write(self, data: bytes) -> None:
        """Append; a full disk loses lines, never the child."""
        with suppress(OSError):
            if self.size and self.size + len(data) > self.limit:
                self._rotate()
            self.size += os.write(self.fd, data)

    def _rotate(self) -> None:
        os.close(self.fd)
        names = [self.path, *(f"{self.path}.{number}" for number in range(1, self.keep + 1))]
        for older, newer in reversed(list(zip(names[1:], names, strict=False))):
            if Path(newer).exists():
                Path(newer).replace(older)
        self._open()


def report(**fields: object) -> None:
    """Tell the owner, if there still is one."""
    with suppress(OSError):
        os.write(1, json.dumps(fields).encode() + b"\n")


def _streams(given: dict[str, int], output: int | None) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    plain = null if output is None else output
    for number, name, default in ((0, "stdin", null), (1, "stdout", plain), (2, "stderr", plain)):
        os.dup2(given.get(name, default), number)
    for fd in given.values():
        os.set_inheritable(fd, False)  # noqa: FBT003 - positional only


def _identity(order: dict[str, Any]) -> None:
    if order["user"]:
        uid, gid = order["user"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if order["appear"]:
        uid, gid = os.geteuid(), os.getegid()
        kernel("unshare", CLONE_NEWUSER)
        maps = {"setgroups": "deny", "uid_map": f"{order['appear']} {uid} 1", "gid_map": f"{order['appear']} {gid} 1"}
        for name, text in maps.items():
            Path("/proc/self", name).write_text(text)


def _become(order: dict[str, Any], output: int | None, parent: int, failed: int) -> NoReturn:
    """In the fork: turn into the child. PDEATHSIG comes last, since a change of user clears it."""
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        _streams(order["streams"], output)
        if order["cwd"]:
            os.chdir(order["cwd"])
        os.umask(order["umask"])
        os.nice(order["nice"])  # beside what was inherited
        for name, limit in order["limits"].items():
            resource.setrlimit(getattr(resource, name), (limit, limit))
        _identity(order)
        kernel("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            os.execvpe(order["argv"][0], order["argv"], order["env"])  # noqa: S606 - this is what a supervisor does
    except (OSError, ValueError) as error:
        os.write(failed, str(error).encode(errors="replace"))
    os._exit(127)


def start(order: dict[str, Any], output: int | None) -> int:
    """Fork the child and wait until it runs its program; OSError with the reason when it cannot."""
    parent, (reading, failed) = os.getpid(), os.pipe()
    if (pid := os.fork()) == 0:
        _become(order, output, parent, failed)
    os.close(failed)
    with os.fdopen(reading, "rb") as pipe:
        reason = pipe.read()
    if not reason:
        return pid
    os.waitpid(pid, 0)
    raise OSError(reason.decode(errors="replace"))


class Leash:
    """Holds one child until it and all that it started are gone."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.grace: float = order["grace"]
        self.status: int | None = None
        self.deadline: float | None = None
        self.pending, self.selector = b"", selectors.DefaultSelector()
        self.log = Log(**order["log"]) if order["log"] else None
        self.output: int | None = None
        self._listen()
        self._start()

    def _listen(self) -> None:
        bell, ringer = pipe()
        os.set_blocking(ringer, False)
        signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop(self.grace))
        self._watch(bell, lambda: os.read(bell, 4096))
        self._watch(0, self._hear)
        if os.getppid() != self.order["owner"]:
            raise OSError("the owner is gone")
        with suppress(OSError):  # a kernel or a seccomp profile without pidfd: the pipe alone must do
            handle = os.pidfd_open(self.order["owner"])
            self._watch(handle, lambda: self._orphaned(handle))

    def _watch(self, fd: int, then: Callable[[], object]) -> None:
        self.selector.register(fd, selectors.EVENT_READ, then)

    def _start(self) -> None:
        if self.log is None:
            self.pid = start(self.order, None)
            return
        self.output, writing = pipe()
        self._watch(self.output, self._pump)
        self.pid = start(self.order, writing)
        os.close(writing)

    def _pump(self) -> bool:
        """Move what the child said into the log; False when there is nothing more to move."""
        if self.output is None or self.log is None:
            return False
        with suppress(BlockingIOError):
            if data := os.read(self.output, 65536):
                self.log.write(data)
                return True
            self.selector.unregister(self.output)
            self.output = None
        return False

    def _hear(self) -> None:
        if not (data := os.read(0, 65536)):
            self._orphaned(0)
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            self.stop(json.loads(line)["grace"])

    def _orphaned(self, fd: int) -> None:
        self.selector.unregister(fd)
        self.stop(min(self.grace, ORPHAN_GRACE))

    def stop(self, grace: float) -> None:
        """Ask the child to end, and see to it after ``grace`` seconds; a later call can only shorten that."""
        deadline = time.monotonic() + grace
        if self.deadline is None and self.status is None and grace > 0:
            os.kill(self.pid, self.order["stop"])  # not reaped yet: it is there, perhaps as a zombie
        self.deadline = deadline if self.deadline is None else min(deadline, self.deadline)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.pid:
                    self.status = os.waitstatus_to_exitcode(ended[1])

    def _press(self) -> float | None:
        """Kill when the grace is over; seconds until this must be looked at again."""
        if self.deadline is None:
            return None
        if (left := self.deadline - time.monotonic()) > 0:
            return left
        kill_below()
        return PRESS

    def hold(self) -> int:
        """Stay until all is over; the child's exit code, negative for a signal."""
        while self.status is None:
            for key, _ in self.selector.select(self._press()):
                key.data()
            self._reap()
        while kill_below():
            time.sleep(PRESS / 5)
            self._reap()
            self._pump()
        while self._pump():
            continue
        return self.status


def main() -> int:
    """Read the order, hold the child, report how it ended."""
    with open(0, "rb", buffering=0, closefd=False) as owner:
        line = owner.readline()  # unbuffered: what follows belongs to the loop
    kernel("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        leash = Leash(json.loads(line))
    except (OSError, ValueError) as error:
        report(error=str(error))
        return 127
    report(pid=leash.pid, start=stat(leash.pid)[2])
    status = leash.hold()
    report(exit=status)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
