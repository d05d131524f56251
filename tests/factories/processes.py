"""Programs for the tests of children, and ways to look at what runs."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from appliance.kit.leftovers import started

FAMILY = "setsid sleep 1000 & echo $! ; sleep 1000 & echo $! ; echo $$ ; echo ready ; wait"
"""A shell with two children, one in a session of its own: it tells their process ids and its own."""
STUBBORN = "trap '' TERM ; setsid sleep 1000 & echo $! ; echo $$ ; echo ready ; while true ; do sleep 1000 ; done"
"""A shell that does not heed SIGTERM."""


def uncounted() -> dict[str, str]:
    """Our environment without that by which a Python program counts its lines for coverage: it starts half as fast."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll until it holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.01)


def family(log: Path) -> list[int]:
    """The process ids that a ``FAMILY`` or ``STUBBORN`` shell told in its log, once it is ready."""
    until(lambda: log.exists() and "ready" in log.read_text())
    return [int(line) for line in log.read_text().split() if line.isdigit()]


def gone(pids: list[int]) -> bool:
    """None of them runs."""
    return all(started(pid) is None for pid in pids)


def shell(script: str) -> list[str]:
    """The argument list that runs a script."""
    return ["/bin/bash", "-c", script]
