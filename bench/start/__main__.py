"""How long the appliance takes to start, and what it holds in memory: `make bench-start`.

Two starts, on a new data directory and on the same again; the limit for the control plane (all but encoder and engine)
is 8 s. Then the resident memory of each part, idle and after the demonstration's work: the sample handbook ingested and
a few of its questions asked. Memory is counted as PSS summed over a part's processes (shared pages are shared out), and
as RSS of each single process in the JSON document.

With `--no-engine` the language model is left out: a minute less.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.entry import up_record
from appliance.entry.up_record import NotRunning, Record
from appliance.kit.leash import family
from bench.report import Figure, orderly, progress, tell
from tests.factories.appliance import CONTROL_PLANE, ROOT, USABLE, Appliance

LIMIT = 8.0
PATIENCE = 600.0
HANDBOOK = ROOT / "docs" / "handbook"
QUESTIONS = 6


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a part; sizes in MiB."""

    part: str
    command: str
    rss: float
    pss: float


def started(made: Appliance) -> dict[str, float]:
    """Start it; the seconds after which each part was ready."""
    begun = time.monotonic()
    made.start()
    ready: dict[str, float] = {}
    while True:
        record = _record(made)
        for name, part in record.parts.items() if record else ():
            if part.state in USABLE and name not in ready:
                ready[name] = time.monotonic() - begun
                progress(f"{name} is ready")
        if record and set(record.parts) == set(ready):
            return ready
        if not made.runs() or time.monotonic() - begun > PATIENCE:
            raise SystemExit(f"it did not start:\n{made.output.read_text()}")
        time.sleep(0.02)


def _record(made: Appliance) -> Record | None:
    with suppress(NotRunning):
        return up_record.read(made.layout)
    return None


def memory(made: Appliance) -> list[Process]:
    """Every process of the appliance, by part."""
    if made.up is None:
        return []
    found = [_process("up", made.up.pid)]
    parts = made.record().parts
    for name, part in parts.items():
        if part.pid is not None:
            found += [_process(name, pid) for pid in (part.pid, *family(part.pid))]
    known = {part.pid for part in parts.values()}
    supervisors = [pid for pid in family(made.up.pid) if "leash.py" in _command(pid) and _first(pid) in known]
    return [process for process in [*found, *(_process("supervisors", pid) for pid in supervisors)] if process.pss]


def _first(pid: int) -> int | None:
    return next(iter(family(pid)), None)


def _process(part: str, pid: int) -> Process:
    sizes = {"Rss": 0.0, "Pss": 0.0}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in sizes:
                sizes[name] = int(rest.split()[0]) / 1024
    return Process(part, _command(pid)[:100], sizes["Rss"], sizes["Pss"])


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def work(made: Appliance) -> None:
    """What the demonstration does: ingest the handbook, ask in English and Chinese."""
    _must(made.run("ingest", str(HANDBOOK), "--collection", "handbook", "--json"))
    rows = [json.loads(line) for line in (HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows[:: max(1, len(rows) // QUESTIONS)][:QUESTIONS]:
        _must(made.run("ask", row["question"], "--collection", "handbook", "--json"))


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(done.args)}: {done.stdout}{done.stderr}")


def figures(starts: dict[str, dict[str, float]], idle: list[Process], after: list[Process]) -> Iterator[Figure]:
    """The lines of the report."""
    for title, ready in starts.items():
        yield Figure(f"{title}: control plane ready", max(ready[name] for name in CONTROL_PLANE), LIMIT, "s, limit")
        for name in sorted(ready, key=ready.__getitem__):
            yield Figure(f"{title}: {name} ready", ready[name], None, "s")
    before, now = _by_part(idle), _by_part(after)
    for name in now:
        yield Figure(f"memory of {name}, after the demo", now[name], before.get(name), "MiB PSS, idle")
    yield Figure("memory of all, after the demo", sum(now.values()), sum(before.values()), "MiB PSS, idle")


def _by_part(processes: list[Process]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for process in processes:
        sums[process.part] = sums.get(process.part, 0.0) + process.pss
    return sums


def measure(*, engine: bool) -> tuple[list[Figure], list[Process], list[Process]]:
    """All of it, in a data directory that is removed after."""
    place = Path(tempfile.mkdtemp(prefix="bench-start-"))
    made = Appliance(place / "data", {} if engine else {"APPLIANCE_ENGINE__ENABLED": "false"})
    starts: dict[str, dict[str, float]] = {}
    try:
        progress("first start; with an engine all of it takes three to five minutes")
        starts["first start"] = started(made)
        made.stop()
        progress("second start")
        starts["second start"] = started(made)
        idle = memory(made)
        progress("the demonstration's work")
        work(made)
        after = memory(made)
    finally:
        made.stop()
        shutil.rmtree(place)
    return list(figures(starts, idle, after)), idle, after


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-start")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    parser.add_argument("--no-engine", action="store_true", help="leave the language model out")
    given = parser.parse_args()
    orderly()
    lines, idle, after = measure(engine=not given.no_engine)
    processes = {"idle": [asdict(one) for one in idle], "after": [asdict(one) for one in after]}
    return tell(lines, document=given.json, digits=1, **processes)


if __name__ == "__main__":
    sys.exit(main())
