"""``run/up.json``: which appliance runs on a data directory, for ``status``, ``stop`` and the CLI.

It outlives a ``kill -9``, so it is believed only while the process that it names runs, with the start time that it had.
"""

import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import appliance
from appliance.entry.up_plan import Life
from appliance.kit.errors import Conflict
from appliance.kit.layout import Layout
from appliance.kit.leftovers import started

STOP_SECONDS = 90.0


class NotRunning(Conflict):
    """No appliance runs on this data directory."""

    code = "not_running"
    advice = "Start it with 'appliance up'."


class WillNotStop(Conflict):
    """It was asked to stop and still runs."""

    code = "will_not_stop"
    advice = "Look at the logs, or end the named process with kill -9: 'appliance up' clears what is left."


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One part as it was last seen."""

    state: str
    detail: str
    pid: int | None
    restarts: int


@dataclass(frozen=True, slots=True)
class Record:
    """A running ``up``."""

    pid: int
    start: int
    url: str
    version: str
    state: str
    parts: dict[str, PartRecord]

    def alive(self) -> bool:
        """Whether that very process still runs."""
        return started(self.pid) == self.start


def describe(url: str, state: str, lives: Mapping[str, Life], pids: Mapping[str, int]) -> Record:
    """This process and its parts."""
    parts = {
        name: PartRecord(life.state.value, life.detail, pids.get(name), max(life.starts - 1, 0))
        for name, life in lives.items()
    }
    return Record(os.getpid(), started(os.getpid()) or 0, url, appliance.__version__, state, parts)


def write(layout: Layout, record: Record) -> None:
    """Replace the file in one step."""
    fresh = layout.run / "up.json.new"
    fresh.write_text(json.dumps(asdict(record)), encoding="utf-8")
    fresh.replace(_path(layout))


def remove(layout: Layout) -> None:
    """Nothing runs here any more."""
    _path(layout).unlink(missing_ok=True)


def read(layout: Layout) -> Record:
    """The appliance that runs on this data directory. Raises :class:`NotRunning`."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        told = json.loads(_path(layout).read_text(encoding="utf-8"))
        parts = {name: PartRecord(**part) for name, part in told.pop("parts").items()}
        record = Record(**told, parts=parts)
        if record.alive():
            return record
    raise NotRunning(f"No appliance runs on {layout.data}.")


def stop(layout: Layout, seconds: float = STOP_SECONDS) -> None:
    """Ask the appliance to stop and wait until it has. Raises :class:`NotRunning`, :class:`WillNotStop`."""
    record = read(layout)
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while record.alive():
        if time.monotonic() > deadline:
            raise WillNotStop(f"Process {record.pid} still runs after {seconds:.0f} s.")
        time.sleep(0.05)


def _path(layout: Layout) -> Path:
    return layout.run / "up.json"
