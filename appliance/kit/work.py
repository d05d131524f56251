"""How much processes have worked: what tells a busy one from one that waits for what never comes."""

import os
from contextlib import suppress
from typing import Final

from appliance.kit.leash import family, fields

IDLE: Final = 0.01
"""Seconds of a core in a second below which a process does nothing. One that waits for its turn gets more."""
_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")


def worked(pid: int) -> float:
    """Seconds of a core that a process has used, all of its threads together; OSError when it is gone."""
    return _seconds(pid, 11, 12)  # utime, stime: proc(5)


def worked_together(root: int) -> float:
    """The same of a process and all that descends from it, with what has ended; OSError when it is gone."""
    total = _seconds(root, 11, 12, 13, 14)  # and of those that it has waited for: cutime, cstime
    for pid in family(root):
        with suppress(OSError):  # it ends meanwhile
            total += _seconds(pid, 11, 12, 13, 14)
    return total


def _seconds(pid: int, *numbers: int) -> float:
    told = fields(pid)
    return sum(int(told[number]) for number in numbers) * _TICK
