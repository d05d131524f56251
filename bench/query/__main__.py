"""How long a search takes at 50,000 chunks: `make bench-query`, `bin/bench query [--json] [--chunks N]`.

Synthetic vectors (384 dimensions, clustered; terms after Zipf) of five tenants in a real PostgreSQL and a real index
process. Split into encode (the real encoder, where its model is there), vector query (both legs, 100 each, over the
socket) and access check (the fifty best ids in PostgreSQL, as the app login under row-level security). First at rest,
then while documents are written, the encoder works for them and the index builds new graphs and hands over. The limits
are of vector query and access check together: 10 ms at the median, 50 ms at the worst.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import numpy as np
from sqlalchemy import text

from appliance.access.web import Databases
from appliance.catalog import encoders
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.drivers.vectors.port import Legs, Scope
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.kit import clock
from appliance.kit.children import Child, spawn
from appliance.kit.settings import Settings
from appliance.kit.wire import Client
from bench.query.stack import pools, stack, status, until
from tests.factories.corpus import Library
from tests.factories.points import Corpus

TENANTS = (0.6, 0.1, 0.1, 0.1, 0.1)
LEG = 100
CHECKED = 50
AT_REST = 500
P50_LIMIT, WORST_LIMIT = 10.0, 50.0
QUESTION = "Which supplier was late with its deliveries in the last quarter, and why?"
EVERYONE = frozenset({"everyone"})
ROOT = Path(__file__).parents[2]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: milliseconds, and the limit they are held against."""

    name: str
    ours: float
    other: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours as a share of the limit."""
        return round(self.ours / self.other, 3) if self.other else None

    def line(self) -> str:
        """Name, ours, other, ratio."""
        other = f"{self.other:8.1f} {self.ratio:7.3f}" if self.other else f"{'-':>8} {'-':>7}"
        return f"{self.name:44} {self.ours:8.2f} {other}"


class Searcher:
    """Asks as a search does, and keeps the time of each part in milliseconds."""

    def __init__(self, settings: Settings, databases: Databases, tenant: UUID, encoder: RemoteEncoder | None) -> None:
        self.vectors = RemoteVectors(Client(settings.layout.index_socket))
        self.databases = databases
        self.tenant = tenant
        self.encoder = encoder
        self.corpus = Corpus(384, centres=30, terms=30_000, seed=tenant.int % 2**32)
        self.times: dict[str, list[float]] = {}

    def search(self, part: str) -> None:
        """One search, its times filed under ``part``."""
        query, terms = self.corpus.dense(1)[0], self.corpus.sparse(8)
        scope = Scope(self.tenant, EVERYONE)
        if self.encoder is not None:
            encoder = self.encoder
            self._timed(f"{part}, encode", lambda: encoder.encode([QUESTION], urgent=True))
        began = time.perf_counter()
        legs = self._timed(f"{part}, vector query", lambda: self.vectors.search(scope, query, terms, LEG))
        self._timed(f"{part}, access check", lambda: self._check(legs))
        self._file(f"{part}, all but encode", began)

    def _check(self, legs: Legs) -> int:
        ids = list(dict.fromkeys(hit.id for pair in zip(legs.dense, legs.sparse, strict=False) for hit in pair))
        with self.databases.app.session(self.tenant) as session:
            rows = session.execute(_ADMITTED, {"ids": ids[:CHECKED], "readers": sorted(EVERYONE)}).all()
        return len(rows)

    def _timed(self, name: str, act: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = act()
        self._file(name, began)
        return done

    def _file(self, name: str, began: float) -> None:
        self.times.setdefault(name, []).append((time.perf_counter() - began) * 1000)


_ADMITTED = text(
    "select chunks.id, chunks.document_id, documents.name, chunks.text from chunks "
    "join documents on documents.id = chunks.document_id and documents.current_revision = chunks.revision_id "
    "where chunks.id = any(:ids) and documents.readers && cast(:readers as text[])"
)


def figures(times: dict[str, list[float]]) -> list[Figure]:
    """Median, 99th percentile and worst of each part."""
    found = []
    for name, values in times.items():
        held = name.endswith("all but encode")
        p50, p99 = np.percentile(values, [50, 99])
        found.append(Figure(f"{name} p50 ms", round(float(p50), 2), P50_LIMIT if held else None))
        found.append(Figure(f"{name} p99 ms", round(float(p99), 2)))
        found.append(Figure(f"{name} worst ms", round(max(values), 2), WORST_LIMIT if held else None))
    return found


def fill(databases: Databases, chunks: int) -> list[Library]:
    """The tenants and their chunks, in PostgreSQL."""
    libraries = []
    for share in TENANTS:
        library = Library(databases, terms=30_000, terms_a_chunk=80)
        for _ in range(int(chunks * share) // 500):
            library.ingest(500)
        libraries.append(library)
    return libraries


def loaded(settings: Settings, line: Client, searcher: Searcher, chunks: int, tell: Callable[[str], None]) -> None:
    """Search while an ingest runs and the index builds a generation and hands over."""
    before = status(line)["generation"]
    child = _ingest(settings, searcher, chunks)
    try:
        while status(line).get("generation") == before:
            for _ in range(20):
                searcher.search("loaded")
        tell(f"handed over from {before} to {status(line)['generation']}; searching on for a hundred more")
        for _ in range(100):
            searcher.search("loaded")
    finally:
        child.kill()


def _ingest(settings: Settings, searcher: Searcher, chunks: int) -> Child:
    argv = [
        sys.executable,
        "-m",
        "bench.query.load",
        str(searcher.tenant),
        str(chunks),
        str(int(bool(searcher.encoder))),
    ]
    environment = {**os.environ, "APPLIANCE_DATA": str(settings.data), "APPLIANCE_MODELS": str(settings.model_store)}
    return spawn(argv, name="load", env=environment, cwd=ROOT, log=settings.layout.log("load"))


def measure(chunks: int, store: Path | None, tell: Callable[[str], None]) -> dict[str, list[float]]:
    """Times in milliseconds by part."""
    with stack(store) as settings:
        databases, line = pools(settings), Client(settings.layout.index_socket)
        until("the index", lambda: status(line).get("state") == "live")
        tell(f"writing {chunks} chunks of {len(TENANTS)} tenants")
        libraries = fill(databases, chunks)
        until("the index to hold them", lambda: status(line).get("points") == chunks)
        until("graphs for most of them", lambda: int(str(status(line)["changes"])) < settings.index.optimise_after)
        encoder = _encoder(settings) if store else None
        if encoder:
            until("the encoder", encoder.ready)
        searcher = Searcher(settings, databases, libraries[0].tenant, encoder)
        for _ in range(20):
            searcher.search("warm-up")
        searcher.times.clear()
        tell("searching at rest")
        for _ in range(AT_REST):
            searcher.search("at rest")
        tell("searching while an ingest and an optimise run")
        loaded(settings, line, searcher, 4 * settings.index.optimise_after, tell)
        databases.app.close()
        databases.operator.close()
        databases.system.close()
        return searcher.times


def _encoder(settings: Settings) -> RemoteEncoder:
    about = encoders.about(settings.model_store, settings.encoder.model)
    return RemoteEncoder(settings.layout.encoder_socket, about)


def main() -> int:
    """Print one line per figure, or one JSON document."""
    parser = argparse.ArgumentParser(prog="bin/bench query", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--chunks", type=int, default=50_000)
    asked = parser.parse_args()
    store = Path(os.environ.get("APPLIANCE_MODELS", ROOT / ".cache" / "models"))
    present = store if (store / "all-minilm-l6-v2").is_dir() else None

    def tell(what: str) -> None:
        sys.stderr.write(f"{what}\n")

    if present is None:
        tell(f"no encoder in {store}: encoding is left out")
    found = figures(measure(asked.chunks, present, tell))
    if asked.json:
        machine = {"cpus": os.cpu_count(), "platform": platform.platform()}
        lines = [{**asdict(figure), "ratio": figure.ratio} for figure in found]
        sys.stdout.write(json.dumps({"date": clock.now().isoformat(), "machine": machine, "figures": lines}) + "\n")
    else:
        sys.stdout.write(
            "\n".join([f"{'name':44} {'ours':>8} {'other':>8} {'ratio':>7}", *(f.line() for f in found)]) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
