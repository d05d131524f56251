"""How long a search takes at 50,000 chunks: `make bench-query`, `bin/bench query [--json] [--chunks N | --points N]`.

Synthetic vectors (384 dimensions, clustered; terms after Zipf) of five tenants in a real PostgreSQL and a real index
process. The real path of a search, the HTTP request excepted, split into encode (the real encoder, where its model is
there), vector query (both legs, 100 each, over the socket) and access check (the term statistics, then the best ids, in
PostgreSQL as the app login under row-level security). First at rest, then while documents are written, the encoder
works for them and the index builds new graphs and hands over. The limits are of all but encoding: 10 ms at the median,
50 ms at the worst. With ``--points``: at a company's scale, as ``bench.query.scale`` says.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.access.principal import Principal, Role, TenantId, UserId
from appliance.access.web import Databases
from appliance.catalog import encoders
from appliance.drivers.encoder.port import About, Described, Encoder, EncoderNotReady
from appliance.drivers.encoder.remote import RemoteEncoder
from appliance.drivers.vectors.remote import RemoteVectors
from appliance.kit import clock
from appliance.kit.children import Child, Limits, spawn
from appliance.kit.ids import uuid7
from appliance.kit.priority import BEHIND, PROMPT, USUAL, settle, slice_of
from appliance.kit.settings import Settings
from appliance.kit.wire import Client
from appliance.knowledge.access import Index
from appliance.knowledge.retrieval import Retrieval
from bench import report
from bench.query import scale
from bench.query.stack import pools, stack, status, until
from bench.query.words import LIKE_TEXT, VOCABULARY, question
from bench.report import Figure
from tests.factories.corpus import Library
from tests.factories.points import Corpus

TENANTS = (0.6, 0.1, 0.1, 0.1, 0.1)
AT_REST = 500
P50_LIMIT, WORST_LIMIT = 10.0, 50.0
LIMITED = "all but encode"
ENCODE_EVERY = 10  # an ingest may keep the encoder busy for seconds, and its time is no part of the limit
ROOT = Path(__file__).parents[2]


class Synthetic(Described):
    """Takes the time of the real encoder at every tenth search and gives a vector like those that are stored."""

    def __init__(self, real: Encoder | None, corpus: Corpus) -> None:
        super().__init__(real.about if real else About("none", 384, frozenset({"en"}), 256))
        self._real = real
        self._corpus = corpus
        self._searches = 0
        self.asked = False

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:
        """Vectors of length 1."""
        self.asked = self._real is not None and self._searches % ENCODE_EVERY == 0
        self._searches += 1
        if self._real is not None and self.asked:
            with suppress(EncoderNotReady):  # it gave up after its 5 s; the index is asked all the same
                self._real.encode(texts, urgent=urgent)
        return self._corpus.dense(len(texts))

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Not asked for by a search."""
        raise NotImplementedError


class Searcher:
    """Searches as the API does, and keeps the time of each part in milliseconds."""

    def __init__(self, settings: Settings, databases: Databases, tenant: UUID, encoder: Encoder | None) -> None:
        self.encoding = encoder is not None
        self.tenant = tenant
        self.corpus = Corpus(384, centres=30, vocabulary=VOCABULARY, seed=tenant.int % 2**32)
        vectors = RemoteVectors(Client(settings.layout.index_socket))
        self._encoder = Synthetic(encoder, self.corpus)
        self._retrieval = Retrieval(databases.app, Index(vectors), self._encoder)
        self._principal = Principal(TenantId(tenant), UserId(uuid7()), Role.MEMBER, "bench")
        self.times: dict[str, list[float]] = {}

    def search(self, part: str) -> None:
        """One search, its times filed under ``part``."""
        found = self._retrieval.find(self._principal, question(self.corpus))
        if len(found.passages) < 10 or set(found.legs) != {"sparse", "dense"}:
            raise RuntimeError(f"{len(found.passages)} passages by {found.legs}")
        spent = found.timings
        each = {"encode": spent.encode_ms} if self._encoder.asked else {}
        each |= {"vector query": spent.vectors_ms, "access check": spent.access_ms}
        for name, value in {**each, LIMITED: spent.total_ms - spent.encode_ms}.items():
            self.times.setdefault(f"{part}, {name}", []).append(value)


def figures(times: dict[str, list[float]]) -> list[Figure]:
    """Median, 99th percentile and worst of each part."""
    found = []
    for name, values in times.items():
        held = name.endswith(LIMITED)
        p50, p99 = np.percentile(values, [50, 99])
        unit = "ms, limit" if held else "ms"
        found.append(Figure(f"{name} p50", round(float(p50), 2), P50_LIMIT if held else None, unit))
        found.append(Figure(f"{name} p99", round(float(p99), 2), None, "ms"))
        found.append(Figure(f"{name} worst", round(max(values), 2), WORST_LIMIT if held else None, unit))
    return found


def fill(databases: Databases, chunks: int) -> list[Library]:
    """The tenants and their chunks, in PostgreSQL."""
    libraries = []
    for share in TENANTS:
        library, its = Library(databases, **LIKE_TEXT), round(chunks * share)
        for start in range(0, its, 500):
            library.ingest(min(500, its - start))
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
        str(int(searcher.encoding)),
    ]
    environment = {**os.environ, "APPLIANCE_DATA": str(settings.data), "APPLIANCE_MODELS": str(settings.model_store)}
    log, limits = settings.layout.log("load"), Limits(nice=BEHIND)
    child = spawn(argv, name="load", env=environment, cwd=ROOT, log=log, limits=limits)
    slice_of(child.pid, USUAL)  # a worker has no short turns
    return child


def measure(chunks: int, store: Path | None, tell: Callable[[str], None]) -> dict[str, list[float]]:
    """Times in milliseconds by part."""
    with stack(store) as settings:
        slice_of(0, PROMPT)  # as web has it; not before: what is started inherits it
        databases, line = pools(settings), Client(settings.layout.index_socket)
        until("the index", lambda: status(line).get("state") == "live")
        tell(f"writing {chunks} chunks of {len(TENANTS)} tenants")
        libraries = fill(databases, chunks)
        until(
            "the index to hold them",
            lambda: status(line).get("points") == sum(round(chunks * share) for share in TENANTS),
        )
        until("graphs for most of them", lambda: int(str(status(line)["changes"])) < settings.index.optimise_after)
        encoder = _encoder(settings) if store else None
        if encoder:
            until("the encoder", encoder.ready)
        searcher = Searcher(settings, databases, libraries[0].tenant, encoder)
        settle()  # as web does: the libraries here are none of a search's business
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
    parser.add_argument("--points", type=int, help="100000 or 1000000: twenty tenants, fifty groups, and recall")
    asked = parser.parse_args()
    report.orderly()
    store = Path(os.environ.get("APPLIANCE_MODELS", ROOT / ".cache" / "models"))
    present = store if (store / "all-minilm-l6-v2").is_dir() else None

    def tell(what: str) -> None:
        sys.stderr.write(f"{what}\n")

    if asked.points:
        found = scale.figures(scale.measure(asked.points, report.progress))
    else:
        if present is None:
            tell(f"no encoder in {store}: encoding is left out")
        found = figures(measure(asked.chunks, present, tell))
    machine = {"cpus": os.cpu_count(), "platform": platform.platform()}
    return report.tell(found, document=asked.json, date=clock.now().isoformat(), machine=machine)


if __name__ == "__main__":
    sys.exit(main())
