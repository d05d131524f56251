"""Where files lie that have no place yet: a directory for each process, which it holds locked for as long as it lives.

The kernel lets go of the lock when the process ends, however it ends. So what a killed process has left is known at
once and for certain, and what another one is receiving is never taken away, however long that lasts.
"""

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.kit.ids import uuid7

_lock = threading.Lock()
_own: dict[Path, Path] = {}


os.register_at_fork(after_in_child=_own.clear)  # what its parent holds is its parent's


def own(root: Path) -> Path:
    """The directory of this process below ``root``, private, made when it is first asked for."""
    with _lock:
        found = _own.get(root)
        if found is None or not found.is_dir():
            found, _ = _made(root)  # held until this process ends
            _own[root] = found
        return found


@contextmanager
def passing(root: Path) -> Iterator[Path]:
    """A directory below ``root`` for the time of a block, private, gone after it."""
    made, held = _made(root)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(held)


def sweep(root: Path) -> int:
    """Take away all that processes left which are gone; how many directories and files."""
    return sum(_removed(left) for left in root.glob("*"))


def _made(root: Path) -> tuple[Path, int]:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        made = root / uuid7().hex
        made.mkdir(mode=0o700)
        held = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
        if made.is_dir():  # a sweep that came between has let it go by now, or taken it away
            return made, held
        os.close(held)


def _removed(left: Path) -> bool:
    with suppress(FileNotFoundError):
        seen = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(seen, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        except BlockingIOError:  # its process lives
            return False
        finally:
            os.close(seen)
        return True
    return False
