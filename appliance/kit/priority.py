"""Who waits for whom when the cores are busy: nice values, and how soon a process that wakes gets its turn.

A search is some twenty short turns of web, PostgreSQL and index. With the usual slice each of them may wait 3 ms until
a busy neighbour's is over, whatever its nice value. Linux 6.12 lets a process ask for a shorter slice, and one that
wakes then takes the core at once; its share of the time stays the same. Older kernels ignore the request.
"""

import ctypes
import gc
import os
import platform
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

BEHIND: Final = 10
"""Nice value of who computes for long: worker, encoder, engine. A search waits for none; among themselves they share.

Nice 5 was not enough: autogroups are weighed on each core by themselves, one whose threads are on both is light on
either, overdraws its share there and waits for it afterwards. On two cores searches waited up to 170 ms for an encoder
of nice 5. With 15 and more the encoder waited seconds beside anything else, and a question waits for it too.
"""
LAST: Final = 19
"""Nice value of what nobody waits for: the building of graphs."""
PROMPT: Final = 100_000
"""Nanoseconds: the shortest slice that Linux grants."""
USUAL: Final = 0
_YOUNG: Final = 20_000
"""Objects made since the collector's last look: Python's 700 are a few requests, which leave no rings behind."""
_TRIES, _PAUSE = 20, 0.05
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}


def slice_of(pid: int, nanoseconds: int) -> None:
    """Ask for a slice for every thread of a process (0: this one); new threads and forks inherit it."""
    with suppress(OSError):
        for entry in Path(f"/proc/{pid or 'self'}/task").iterdir():
            _ask(int(entry.name), nanoseconds)


def yield_to_others(nice: int, pid: int = 0) -> None:
    """Make a process (0: this one) wait behind others, or with nice 0 no longer.

    Where the kernel groups processes by session, a nice value counts inside the session only: the group's counts.
    """
    group = Path(f"/proc/{pid or 'self'}/autogroup")
    with suppress(OSError):
        for _ in range(_TRIES):  # Linux takes one such change each 100 ms, unless it comes from root
            try:
                group.write_text(str(nice))
                break
            except BlockingIOError:
                time.sleep(_PAUSE)
    slice_of(pid, USUAL if nice else PROMPT)


def settle() -> None:
    """Start-up is over: what lives now lives on, and the collector need not look at it again (up to 100 ms)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)


def _ask(thread: int, nanoseconds: int) -> None:
    """``struct sched_attr`` of linux/sched/types.h: policy 0 (normal), the nice value it has, runtime = slice."""
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None:
        return
    nice = os.getpriority(os.PRIO_PROCESS, thread)
    attributes = struct.pack("=IIQiIQQQII", 56, 0, 0, nice, 0, nanoseconds, 0, 0, 0, 0)
    ctypes.CDLL(None, use_errno=True).syscall(number, thread, attributes, 0)
