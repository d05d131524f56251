"""Taking in a company's files: `make bench-company`, `bin/bench company [--documents N] [--peers N] [--json]`.

10,000 files of eight formats, 38,000 passages in all, come to a whole appliance (without an engine) by HTTP, as people
and sources bring them; the time ends when the last is found. Held against the encoder's own limit: a sample of the same
passages, sent to the same process in full batches with nothing else to do, before and after. Wanted: 0.85 of it; the
memory of workers and web no more than a tenth from where it stood at the first tenth of the documents. Then what each
part works for a document, what a parse takes by format, a scanned page by itself, and (``--peers N``) LlamaIndex and
Haystack on the first N files.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import httpx

from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.kit.settings import Settings
from appliance.kit.work import worked_together
from appliance.knowledge import connect
from appliance.knowledge.chunking import chunks
from appliance.knowledge.parsing.host import ParserHost
from bench.company import mix, peers
from bench.ingest.__main__ import limit
from bench.query.stack import until
from bench.report import Figure, least, most, tell
from bench.start.__main__ import memory
from tests.factories import scans
from tests.factories.appliance import MODELS, Appliance

WANTED = 0.85
GROWS = 1.1
EVERY = 10
"""One passage of so many is in the encoder's limit; the looks at memory."""
PARSED = 20
PAGES = 5
PATIENCE = 4 * 3600.0
WATCHED = ("worker", "web", "index", "encoder", "postgres")


@dataclass(slots=True)
class Run:
    """What one ingest took (seconds), and each part's memory as it went, MiB (PSS)."""

    documents: int
    seconds: float = 0.0
    worked: dict[str, float] = field(default_factory=dict)
    """Seconds of the processor, by part."""
    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def taken_in(made: Appliance, name: str, files: dict[str, Path]) -> Run:
    """All files into one collection, one request each, and the wait for the last."""
    run = Run(len(files))
    with made.api() as api:
        collection = api.post("/api/v1/collections", json={"name": name}).raise_for_status().json()
        address = f"/api/v1/collections/{collection['id']}"
        marks = {len(files) * part // EVERY for part in range(1, EVERY + 1)}
        begun, before = time.monotonic(), _worked(made)
        for number, path in enumerate(files.values()):
            _upload(api, address, path)
            if number % 50 == 49:
                _look(made, run, api, address, marks)
        while (ready := _look(made, run, api, address, marks)) < len(files):
            if time.monotonic() > begun + PATIENCE:
                raise SystemExit(f"{ready} of {len(files)} after {PATIENCE} s")
            time.sleep(0.5)
        run.seconds = time.monotonic() - begun
        run.worked = {part: seconds - before[part] for part, seconds in _worked(made).items()}
    return run


def _worked(made: Appliance) -> dict[str, float]:
    parts = made.record().parts.items()
    return {name: worked_together(part.pid) for name, part in parts if part.pid is not None}


def _upload(api: httpx.Client, address: str, path: Path) -> None:
    while True:
        answer = api.post(f"{address}/documents", files={"file": (path.name, path.read_bytes())})
        if answer.status_code not in (429, 503):
            answer.raise_for_status()
            return
        time.sleep(float(answer.headers.get("retry-after", 1)))


def _look(made: Appliance, run: Run, api: httpx.Client, address: str, marks: set[int]) -> int:
    """How many documents are found; at each mark, the memory."""
    states = api.get(address).raise_for_status().json()["documents"]
    if states.get("failed"):
        raise SystemExit(f"not read: {states}")
    ready = int(states.get("ready", 0))
    passed = {mark for mark in marks if mark <= ready}
    if passed:
        marks -= passed
        sums: dict[str, float] = defaultdict(float)
        for process in memory(made):
            sums[process.part] += process.pss
        for part in WATCHED:
            run.memory[part].append(sums[part])
        print(f"{ready} of {run.documents} documents", file=sys.stderr)
    return ready


def passages(settings: Settings, encoder: RemoteEncoder, files: dict[str, Path]) -> tuple[list[str], dict[str, float]]:
    """What is sent to the encoder for these files, and the milliseconds of a parse by format."""
    found, spent = list[str](), defaultdict[str, list[float]](list)
    with ParserHost(connect.parse_limits(settings)) as parser:
        for name, path in files.items():
            begun = time.monotonic()
            parsed = parser.parse(path, name)
            spent[path.suffix].append((time.monotonic() - begun) * 1000)
            title = parsed.title or PurePosixPath(name).stem
            made = chunks(parsed.text, parsed.blocks, encoder.tokens, settings.knowledge.chunk_tokens)
            found += [chunk.indexed(title) for chunk in made]
    return found, {kind: statistics.median(each) for kind, each in sorted(spent.items())}


def scanned(settings: Settings, directory: Path) -> float:
    """Seconds for a scanned page."""
    lines = [(line[:40], 14, 40, 800 - 24 * at) for at, line in enumerate(mix.prose(chinese=False)[:12])]
    path = directory / "scan.pdf"
    path.write_bytes(scans.scanned(*[scans.picture(lines)] * PAGES))
    with ParserHost(connect.parse_limits(settings)) as parser:
        parser.parse(path, path.name)  # its models are loaded now
        begun = time.monotonic()
        parser.parse(path, path.name)
        return (time.monotonic() - begun) / PAGES


def held(run: Run, count: int, best: float) -> Iterator[Figure]:
    """Rates against the encoder's own, and the memory's growth."""
    yield Figure("documents, a second", run.documents / run.seconds, run.documents / best, "1/s, limit")
    yield least("passages, a second", count / run.seconds, count / best, WANTED, "1/s, limit")
    for part, seconds in run.worked.items():
        yield Figure(f"processor time of a document, {part}", seconds * 1000 / run.documents, None, "ms")
    for part in ("worker", "web"):
        seen = run.memory[part]
        yield most(
            f"memory of {part}, most after the first tenth", max(seen), seen[0], GROWS, "MiB, at the first tenth"
        )
    for part in WATCHED[2:]:
        seen = run.memory[part]
        yield Figure(f"memory of {part}, most after the first tenth", max(seen), seen[0], "MiB, at the first tenth")
    index = run.memory["index"]
    since = count * (EVERY - 1) / EVERY
    yield Figure("memory of the index for a passage", (index[-1] - index[0]) * 1024 / since, None, "KiB")


def measure(documents: int, compared: int, place: Path) -> Iterator[Figure]:
    """All of it."""
    files: dict[str, Path] = {}
    for name, content in mix.documents(documents):
        files[name] = place / "files" / name
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_bytes(content)
    made = Appliance(place / "data", {"APPLIANCE_ENGINE__ENABLED": "false"})
    made.start()
    try:
        made.wait_ready(seconds=300)
        settings = Settings(data=made.data, models=MODELS)
        encoder = connect.encoder(settings)
        if not isinstance(encoder, RemoteEncoder):
            raise SystemExit("the encoder's model is not in the model store: make setup")
        until("the encoder", encoder.ready)
        taken_in(made, "warm", dict(list(files.items())[:PARSED]))  # what is loaded with the first document
        sent, parse = passages(settings, encoder, files)
        part = sent[:: EVERY if len(sent) > EVERY * EVERY else 1]
        before = limit(encoder, part)
        run = taken_in(made, "all", files)
        best = (before + limit(encoder, part)) / 2 * len(sent) / len(part)
        yield Figure("passages", len(sent), documents, "documents")
        yield from held(run, len(sent), best)
        if compared:
            some = dict(list(files.items())[:compared])
            ours = taken_in(made, "some", some).seconds
    finally:
        made.stop()
    for kind, spent in parse.items():
        yield Figure(f"a parse, {kind}", spent, None, "ms")
    yield Figure("a scanned page", scanned(settings, place), None, "s")
    if compared:
        for name in peers.NAMES:
            theirs = peers.seconds(name, list(some.values()), settings, place)
            yield least(f"documents, a second, of {name}", compared / ours, compared / theirs, 1, "1/s, theirs")


def main() -> int:
    """Measure and print; 1 below what is wanted."""
    parser = argparse.ArgumentParser(prog="bin/bench company", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--peers", type=int, default=1000, help="files for the comparison; 0: none")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="bench-company-"))
    try:
        lines = list(measure(given.documents, min(given.peers, given.documents), place))
    finally:
        with suppress(OSError):
            shutil.rmtree(place)
    return tell(lines, document=given.json)


if __name__ == "__main__":
    sys.exit(main())
