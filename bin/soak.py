"""The soak: an appliance under steady use for a time; not one request may fail, and no process may grow without end.

Documents come, change and are forgotten, while searches and questions are asked. Each minute tells the requests so far
and the memory of each part. Exit code 1 when a request failed or a part grew by more than ``GROWTH`` after its warming.
"""

import argparse
import shutil
import statistics
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from appliance.entry import up_record
from appliance.entry.cli import collections, ingest
from appliance.entry.cli.client import Api
from appliance.entry.cli.files import Found
from appliance.entry.cli.finding import Places, find
from appliance.kit.errors import ApplianceError
from appliance.kit.layout import Layout
from appliance.kit.leash import family
from bin import demo

DATA = demo.ROOT / ".data" / "soak"
WARMING = 0.25
"""The share of the time after which memory counts."""
GROWTH = 0.2
LEAST = 16 << 20
"""Bytes of growth below which it is none: Valkey holds 3 MiB, or 5, as others on the machine share its pages or not."""
QUESTIONS = ("How soon must a stolen laptop be reported?", "密码至少要有多少个字符？", "國內出差住宿每晚上限是多少？")


def main() -> int:
    """Run for ``--minutes``; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    minutes: float = parser.parse_args().minutes
    console = Console(highlight=False, soft_wrap=True)
    shutil.rmtree(DATA, ignore_errors=True)
    with demo.running(console, DATA) as environment:
        demo.wait_ready(console, DATA, time.monotonic())
        with Api(find(Places({"APPLIANCE_DATA": environment["APPLIANCE_DATA"]}, Path.home()))) as api:
            counts, memory = soak(api, console, minutes * 60)
    grown = {name: growth for name, series in memory.items() if (growth := grows(series)) > GROWTH}
    for name, growth in grown.items():
        console.print(f"✗ {name} grew by {growth:.0%}")
    console.print(f"{dict(counts)}")
    return 1 if counts["failed"] or grown else 0


def soak(api: Api, console: Console, seconds: float) -> tuple[Counter[str], dict[str, list[int]]]:
    """Use the appliance for so long; the requests by kind, and the bytes that each part holds over time."""
    counts: Counter[str] = Counter()
    memory: dict[str, list[int]] = defaultdict(list)
    into = collections.ensure(api, "soak")["id"]
    begun = told = time.monotonic()
    turn = 0
    while time.monotonic() - begun < seconds:
        turn += 1
        try:
            use(api, into, turn, counts)
        except ApplianceError as error:
            counts["failed"] += 1
            console.print(f"✗ {error.problem()}", markup=False)
        if time.monotonic() - told > 60:  # noqa: PLR2004 - a line each minute
            told = time.monotonic()
            for name, size in resident().items():
                memory[name].append(size)
            sizes = " ".join(f"{name} {series[-1] >> 20}" for name, series in memory.items())
            console.print(f"{(told - begun) / 60:.0f} min {dict(counts)} MiB: {sizes}")
    return counts, memory


def use(api: Api, into: str, turn: int, counts: Counter[str]) -> None:
    """One turn: a document comes or changes, one is forgotten, a search, a question."""
    file = DATA / f"note-{turn % 50}.md"
    file.write_text(f"# Note {turn % 50}\n\nBy turn {turn} the tank of line {turn % 7} held {turn * 3} litres.\n")
    (outcome,) = ingest.taken(api, into, (Found(file, file.name),), wait=True)
    counts["ingested" if outcome["state"] == "ready" else "failed"] += 1
    if turn % 10 == 0:
        api.delete(f"/api/v1/documents/{outcome['document_id']}")
        counts["forgotten"] += 1
    api.post("/api/v1/search", {"query": f"tank of line {turn % 7}"})
    counts["searched"] += 1
    api.post("/api/v1/ask", {"question": QUESTIONS[turn % len(QUESTIONS)]}, patient=True)
    counts["asked"] += 1


def resident() -> dict[str, int]:
    """Bytes that each part holds, all its processes together; what they share is shared out (PSS)."""
    parts = up_record.read(Layout(DATA)).parts
    return {name: sum(map(held, (part.pid, *family(part.pid)))) for name, part in parts.items() if part.pid}


def held(pid: int) -> int:
    """What one process holds; 0 when it has ended meanwhile."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return 0


def grows(series: list[int]) -> float:
    """By which share the last quarter's median is above that of the quarter after the warming."""
    warm = series[int(len(series) * WARMING) :]
    quarter = max(1, len(warm) // 4)
    if not warm:
        return 0.0
    before, after = statistics.median(warm[:quarter]), statistics.median(warm[-quarter:])
    return after / before - 1 if before and after - before >= LEAST else 0.0


if __name__ == "__main__":
    sys.exit(main())
