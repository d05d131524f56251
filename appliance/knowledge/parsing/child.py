"""The process that reads hostile bytes: ``python -m appliance.knowledge.parsing.child``.

It stays warm with every parser imported, and forks once per document (some milliseconds): a turn, which takes the
request and hands on the answer, and below it the reader, which lowers its limits, gives up root, shuts itself in
(:mod:`appliance.kit.confine`), reads the one file that it has open, answers and ends. Whatever a file does to its
reader touches no other: it has neither our requests nor our answers, only a pipe for its own; and since the warm
process never saw a document, the reader's memory holds none but its own.

Standard input brings ``{"path", "name", "limits"}``, standard output answers with a document or ``{"code", "detail"}``.
"""

import codecs
import ctypes
import encodings
import io
import os
import pkgutil
import resource
import select
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from appliance.drivers.ocr.port import Eye
from appliance.kit import clock
from appliance.kit.confine import Walls, code, missing, offered
from appliance.kit.priority import settle
from appliance.knowledge.parsing.errors import FileRefused, TooHungry, TooSlow, Unreadable
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.message import EYES, REQUEST_LIMIT, answer_limit, answered, frame, receive, refused
from appliance.knowledge.parsing.read import read

_NOBODY: Final = 65534
_CLONE_NEWNET: Final = 0x40000000
_OPEN_FILES: Final = 64
_PIECE: Final = 1 << 20
_OVER: Final = 3
"""How a turn ends that finds no further request."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every reader of this process begins with."""

    walls: Walls
    eye: Eye | None = None


def _opened() -> Eye:
    """The models of text recognition: only a process that is asked for pictures waits seconds for them."""
    from appliance.drivers.ocr.rapid import RapidEye  # noqa: PLC0415 - see above
    from appliance.knowledge.parsing import pictures  # noqa: F401, PLC0415 - a fork that gave up root may not import

    return RapidEye()


def answer(file: BinaryIO, name: str, limits: ParseLimits, eye: Eye | None = None) -> dict[str, Any]:
    """What is said of one file. Whatever goes wrong in a parser is this file's failure."""
    try:
        return answered(read(file, name, limits, eye))
    except FileRefused as error:
        return refused(error)
    except MemoryError:
        return refused(TooHungry())
    except RecursionError:
        return refused(Unreadable("nested too deep"))
    except Exception as error:  # noqa: BLE001 - the edge: the parsers' libraries raise what they like
        return refused(Unreadable(type(error).__name__))


def confine(limits: ParseLimits, walls: Walls) -> None:
    """Take from this process what reading a file does not need. Never undone: for the fork alone."""
    for name, value in (
        ("RLIMIT_AS", limits.memory),
        ("RLIMIT_CPU", limits.seconds),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NOFILE", _OPEN_FILES),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_CORE", 0),
    ):
        resource.setrlimit(getattr(resource, name), (value, value))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    walls.put_up()


def _shut_in(file: BinaryIO, name: str, limits: ParseLimits, tools: Tools) -> dict[str, Any]:
    try:
        confine(limits, tools.walls)
    except OSError as error:  # what has no walls reads nothing
        return refused(Unreadable(f"its reader could not be shut in: {error}"))
    return answer(file, name, limits, tools.eye)


def _fork(path: Path, name: str, limits: ParseLimits, writing: int, tools: Tools) -> NoReturn:
    """In the fork: answer into the pipe and end without any of Python's own endings."""
    with suppress(BaseException):
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):  # what others ask, and what they are answered
            os.dup2(nothing, stream)
        os.close(nothing)
        with path.open("rb") as file:
            message = frame(_shut_in(file, name, limits, tools))
        with io.FileIO(writing, "w") as pipe:
            view = memoryview(message)
            while view:
                view = view[pipe.write(view) or 0 :]
    os._exit(0)


def served(path: Path, name: str, limits: ParseLimits, tools: Tools) -> bytes:
    """The framed answer for one file, read by a fork that may die or hang."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _fork(path, name, limits, writing, tools)
    os.close(writing)
    try:
        gathered = _gather(reading, clock.monotonic() + limits.seconds, answer_limit(limits))
    except FileRefused as error:
        gathered = frame(refused(error))
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)  # it is ours until waited for, perhaps a zombie already
        _, status = os.waitpid(pid, 0)
    return gathered or frame(refused(_died(os.waitstatus_to_exitcode(status))))


def _gather(reading: int, deadline: float, limit: int) -> bytes:
    """All that the fork says; TooSlow at the deadline, Unreadable when it says too much."""
    pieces: list[bytes] = []
    size = 0
    while True:
        left = deadline - clock.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            raise TooSlow
        piece = os.read(reading, _PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise Unreadable("its answer is too long")


def _died(code: int) -> FileRefused:
    if -code == signal.SIGXCPU:
        return TooSlow()
    return Unreadable(f"its reader died: {signal.Signals(-code).name}" if code < 0 else "its reader gave no answer")


def _no_network() -> None:
    """A network of our own with nothing in it, where the kernel allows; nothing here needs one."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).unshare(_CLONE_NEWNET)


def _taken(size: int) -> bytes:
    """So many bytes of standard input, or fewer at its end; none beyond, since the next turn needs them."""
    pieces: list[bytes] = []
    while size and (piece := os.read(0, min(size, _PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _turn(tools: Tools) -> int:
    """In a fork: one request, one answer."""
    order = receive(_taken, REQUEST_LIMIT)
    if order is None:
        return _OVER
    left = memoryview(served(Path(order["path"]), str(order["name"]), ParseLimits(**order["limits"]), tools))
    while left:
        left = left[os.write(1, left) :]
    return 0


def main() -> int:
    """Serve until standard input ends. This process sees no document, not even a name: every fork begins as it is."""
    _no_network()
    for encoding in (module.name for module in pkgutil.iter_modules(encodings.__path__)):
        with suppress(LookupError):
            codecs.lookup(encoding)  # a fork that gave up root may no longer read the files that they are in
    for lacking in missing(offered()):
        sys.stderr.write(f"{lacking}\n")
    sys.stderr.flush()
    tools, status = Tools(Walls(code()), _opened() if EYES in sys.argv else None), 0
    settle()  # or the collector of each fork would write into all that it inherited, and copy it so
    while status == 0:
        select.select([0], [], [])
        pid = os.fork()
        if pid == 0:
            status = 1
            with suppress(BaseException):
                status = _turn(tools)
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return 0 if status == _OVER else 1


if __name__ == "__main__":
    sys.exit(main())
