"""A parser that a file has taken over: ``hostile_reader.py walls|open|broken TARGETS``, run as the real child is.

It answers with what each attempt came to: ``done``, or the name of the error. ``open``: without the walls, to show that
the attempts would succeed. ``broken``: the kernel does not put up what it offers.
"""

import ctypes
import errno
import hashlib
import json
import mmap
import os
import resource
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from appliance.drivers.ocr.port import Eye
from appliance.kit.confine import Walls
from appliance.knowledge.parsing import child
from appliance.knowledge.parsing.errors import Unreadable
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.message import refused

TARGETS: dict[str, Any] = {}


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def _execute() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)


def _connect(family: int, address: Any) -> None:  # noqa: ANN401 - as socket says
    with socket.socket(family) as stream:
        stream.connect(address)


def _ptrace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0, 0, 0, 0) < 0:  # PTRACE_TRACEME
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _older_calls() -> None:
    """``getpid`` of the 32-bit calls, whose numbers the filter does not list."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()


ATTEMPTS: dict[str, Callable[[], object]] = {
    "secret": lambda: Path(TARGETS["secret"]).read_bytes(),
    "list": lambda: list(Path(TARGETS["secret"]).parent.iterdir()),
    "environment": lambda: Path(f"/proc/{os.getppid()}/status").read_bytes(),
    "unix": lambda: _connect(socket.AF_UNIX, TARGETS["unix"]),
    "abstract": lambda: _connect(socket.AF_UNIX, TARGETS["abstract"]),
    "tcp": lambda: _connect(socket.AF_INET, ("127.0.0.1", TARGETS["tcp"])),
    "fork": _fork,
    "thread": _thread,
    "execute": _execute,
    "signal": lambda: os.kill(os.getpid(), 0),
    "trace": _ptrace,
    "limits": lambda: resource.getrlimit(resource.RLIMIT_CPU),
}


def _held() -> list[str]:
    """The descriptors that are open beside the standard three."""
    held = []
    for number in range(3, 64):
        with suppress(OSError):
            held.append(stat.filemode(os.fstat(number).st_mode)[0])
    return sorted(held)


def _remembered() -> int:
    """How often this memory has what only another document's name held: a half that we know, one by its digest."""
    known, found = TARGETS["known"].encode(), 0
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            begin, end = (int(edge, 16) for edge in line.split()[0].split("-"))
            with suppress(OSError, OverflowError):
                memory.seek(begin)
                data = memory.read(end - begin)
                rests = (piece[: len(known)] for piece in data.split(known)[1:])
                found += sum(hashlib.sha256(rest).hexdigest() == TARGETS["unknown"] for rest in rests)
    return found


def hostile(file: BinaryIO, name: str, limits: ParseLimits, eye: Eye | None = None) -> dict[str, Any]:
    """Try everything."""
    if name == "older":
        _older_calls()
    if name == "streams":
        os.write(1, b"what the next one is answered")
        return refused(Unreadable(f"{len(os.read(0, 100))} bytes of what others ask"))
    if name == "held":
        return refused(Unreadable(f"holds {_held()}"))
    if name == "memory":
        return refused(Unreadable(f"remembers {_remembered()}"))
    told = {}
    for what, attempt in ATTEMPTS.items():
        try:
            attempt()
            told[what] = "done"
        except OSError as error:
            told[what] = errno.errorcode[error.errno or 0]
        except RuntimeError as error:
            told[what] = str(error)
    return refused(Unreadable(json.dumps(told)))


def _broken(limits: ParseLimits, walls: Walls) -> None:
    raise OSError(errno.E2BIG, "too many walls already")


if __name__ == "__main__":
    TARGETS |= json.loads(sys.argv[2])
    child.answer = hostile
    if sys.argv[1] == "open":
        child.confine = lambda limits, walls: None  # noqa: ARG005 - as it is
        child._no_network = lambda: None
    if sys.argv[1] == "broken":
        child.confine = _broken
    signal.alarm(60)
    sys.exit(child.main())
