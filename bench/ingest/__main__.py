"""How fast files become passages that are found: `make bench-ingest`, `bin/bench ingest [--json] [--copies N]`.

The sample handbook (Markdown, HTML, PDF, DOCX; three scripts) and volumes of a dozen of its files, N times, through
the whole path: blob, job, parser process, chunks, encoder process, transaction, projector, flip; as many workers as
the settings say. Held against the encoder's own limit: the same texts, sent to the same process in full batches with
nothing else to do, once before and once after. Wanted of the mixed sample: at least 0.8 of it. The time ends when
every document is ready.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

from sqlalchemy import text

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.access.web import Databases
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.kit.children import Limits, Log, spawn
from appliance.kit.ids import uuid7
from appliance.kit.priority import BEHIND
from appliance.kit.settings import Settings
from appliance.knowledge import connect
from appliance.knowledge.chunking import chunks
from appliance.knowledge.parsing.host import ParserHost
from appliance.knowledge.service import Knowledge
from bench.query.stack import pools, stack, until
from bench.report import Figure, least, orderly, tell

HANDBOOK: Final = Path(__file__).parents[2] / "docs" / "handbook" / "documents"
WANTED: Final = 0.8
DOZEN: Final = 12
VOLUMES: Final = 3


@dataclass(frozen=True, slots=True)
class Office:
    """One tenant with one collection."""

    databases: Databases
    settings: Settings
    principal: Principal
    collection: UUID

    @classmethod
    def open(cls, databases: Databases, settings: Settings) -> "Office":
        """A tenant of its own."""
        principal = Principal(TenantId(uuid7()), UserId(uuid7()), Role.MEMBER, "bench")
        with databases.operator.session() as session:
            session.execute(text("insert into tenants (id, name) values (:id, 'bench')"), {"id": principal.tenant})
        with databases.app.session(principal.tenant) as session:
            collection = Knowledge(session, principal).create("handbook").id
        return cls(databases, settings, principal, collection)

    def upload(self, path: Path, name: str) -> None:
        """As the web process does it."""
        blobs = connect.blobs(self.settings)
        with path.open("rb") as file:
            staged = blobs.stage(self.principal.tenant, file, self.settings.web.largest_upload)
        with self.databases.app.session(self.principal.tenant) as session:
            Knowledge(session, self.principal).add(self.collection, name, staged, blobs)
        blobs.drop(staged)

    def ready(self) -> int:
        """How many documents are found; RuntimeError when one failed."""
        with self.databases.app.session(self.principal.tenant) as session:
            states = Knowledge(session, self.principal).collection(self.collection).documents
        if states.get("failed"):
            raise RuntimeError(f"not read: {states}")
        return states.get("ready", 0)


@dataclass(frozen=True, slots=True)
class Sample:
    """Files, and what an ingest of them sends to the encoder."""

    name: str
    files: dict[str, Path]
    passages: list[str]


def samples(settings: Settings, encoder: RemoteEncoder, copies: int, directory: Path) -> list[Sample]:
    """``mixed``: the handbook and volumes of a dozen of its files, 25 passages (eight pages) a file on average.

    ``short``: the handbook alone, eight passages a file, where transactions weigh more; it is only told.
    """
    short = {f"short/{copy}/{path.name}": path for copy in range(copies) for path in sorted(HANDBOOK.iterdir())}
    mixed = {f"mixed/{name}": path for name, path in short.items()}
    with ParserHost(connect.parse_limits(settings)) as parser:
        texts = [parser.parse(path, path.name).text for path in sorted(HANDBOOK.iterdir())]
        for copy in range(VOLUMES * copies):
            for start in range(0, len(texts), DOZEN):
                path = directory / f"volume-{copy}-{start}.md"
                parts = (f"# Part {number}\n\n{one}" for number, one in enumerate(texts[start : start + DOZEN]))
                path.write_text(f"Volume {copy}\n\n" + "\n\n".join(parts), encoding="utf-8")
                mixed[path.name] = path
        return [
            Sample(name, files, _passages(settings, encoder, parser, files))
            for name, files in (("mixed", mixed), ("short", short))
        ]


def _passages(settings: Settings, encoder: RemoteEncoder, parser: ParserHost, files: dict[str, Path]) -> list[str]:
    found: list[str] = []
    for name, path in files.items():
        parsed = parser.parse(path, name)
        title = parsed.title or PurePosixPath(name).stem
        made = chunks(parsed.text, parsed.blocks, encoder.tokens, settings.knowledge.chunk_tokens)
        found += [chunk.indexed(title) for chunk in made]
    return found


def limit(encoder: RemoteEncoder, passages: list[str]) -> float:
    """Seconds for all of them in full batches."""
    begun = time.monotonic()
    for start in range(0, len(passages), 256):
        encoder.encode(passages[start : start + 256])
    return time.monotonic() - begun


@contextmanager
def workers(settings: Settings) -> Iterator[None]:
    """As many as a worker process has children."""
    environment = {
        **os.environ,
        "APPLIANCE_DATA": str(settings.data),
        "APPLIANCE_MODELS": str(settings.model_store),
    }
    with ExitStack() as undo:
        for number in range(settings.jobs.concurrency):
            log = Log(settings.layout.log(f"worker-{number}"))
            argv = [sys.executable, "-m", "bench.ingest.worker"]
            child = spawn(argv, name="worker", env=environment, log=log, limits=Limits(nice=BEHIND))
            undo.callback(child.kill)
        yield


def path_of(office: Office, sample: Sample) -> float:
    """Seconds from the first upload until the last document is found."""
    before = office.ready()
    begun = time.monotonic()
    for name, path in sample.files.items():
        office.upload(path, name)
    until("all documents", lambda: office.ready() == before + len(sample.files), pause=0.25)
    return time.monotonic() - begun


def held(name: str, ours: float, limit: float) -> Figure:
    """A rate against the encoder's own; a demand is made of the mixed sample alone."""
    unit = "1/s, limit"
    return least(name, ours, limit, WANTED, unit) if name.startswith("mixed") else Figure(name, ours, limit, unit)


def measure(settings: Settings, copies: int, directory: Path) -> tuple[list[Figure], dict[str, dict[str, float]]]:
    """For each sample: limit, path, limit."""
    encoder = connect.encoder(settings)
    if not isinstance(encoder, RemoteEncoder):
        raise SystemExit("the encoder's model is not in the model store: make setup")
    until("the encoder", encoder.ready)
    told, about = list[Figure](), dict[str, dict[str, float]]()
    databases = pools(settings)
    office = Office.open(databases, settings)
    with workers(settings):
        for number in range(2 * settings.jobs.concurrency):  # starts the workers' parsers
            office.upload(next(HANDBOOK.glob("*.html")), f"warm-{number}.html")
        until("the workers", lambda: office.ready() == 2 * settings.jobs.concurrency)
        for sample in samples(settings, encoder, copies, directory):
            before = limit(encoder, sample.passages)
            spent = path_of(office, sample)
            after = limit(encoder, sample.passages)
            documents, best = len(sample.files), (before + after) / 2
            for what, count in (("documents", documents), ("chunks", len(sample.passages))):
                told.append(held(f"{sample.name}: {what}", count / spent, count / best))
            sizes = {"documents": documents, "chunks": len(sample.passages)}
            about[sample.name] = {**sizes, "before_s": before, "path_s": spent, "after_s": after}
    databases.close()
    return told, about


def main() -> int:
    """Measure and print; 1 below what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--copies", type=int, default=1, help="how often the handbook is taken in")
    given = parser.parse_args()
    orderly()
    store = Path(os.environ.get("APPLIANCE_MODELS", ".cache/models")).absolute()
    with TemporaryDirectory() as directory, stack(store) as settings:
        told, about = measure(settings, given.copies, Path(directory))
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    status = tell(told, document=given.json, runs=about, machine=machine)
    if not given.json:
        for name, sizes in about.items():
            print(f"{name}: " + ", ".join(f"{what} {value:.0f}" for what, value in sizes.items()) + f"; {machine}")
    return status


if __name__ == "__main__":
    sys.exit(main())
