"""How well search finds: `make bench-retrieval`, `bin/bench retrieval [--json] [--sets a,b]`.

nDCG@10 and R@10 of words alone (sparse), the encoder alone (dense), both with equal-weight RRF (k 60, as FACTS has it)
and ours, on every set of ``../shared/data``. Everything runs through the code of the appliance: terms, BM25 halves,
the encoder's driver, a Qdrant Edge index, language detection and fusion. A document is one passage, title and text.
Nothing is kept between runs. Exit code 1 where a demand is missed.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID, uuid5

import ir_measures
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from appliance.drivers.encoder.port import Encoder
from appliance.drivers.vectors.edge import EdgeVectors
from appliance.drivers.vectors.port import Legs, Point, Scope, Sparse
from appliance.kit.ids import uuid7
from appliance.kit.settings import Settings
from appliance.knowledge import bm25
from appliance.knowledge.bm25 import Statistics
from appliance.knowledge.fusion import DEPTH, covers, hybrid
from appliance.knowledge.language import detect
from bench.report import Figure, tell

DATA: Final = Path(__file__).parents[3] / "shared" / "data"
READERS: Final = frozenset({"everyone"})
BATCH: Final = 32
RRF_K: Final = 60
MEASURES: Final = {"nDCG@10": ir_measures.nDCG @ 10, "R@10": ir_measures.R @ 10}


@dataclass(frozen=True, slots=True)
class Set:
    """Documents, questions, and which documents answer each."""

    name: str
    documents: Mapping[str, str]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def load(directory: Path) -> Set:
    """One set; where only half of the questions is there, it is called -dev."""
    half = directory / "questions-dev.jsonl"
    questions = list(lines(half if half.exists() else directory / "questions.jsonl"))
    return Set(
        f"{directory.name}-dev" if half.exists() else directory.name,
        {
            one["id"]: "\n".join(filter(None, (one.get("title"), one["text"])))
            for one in lines(directory / "documents.jsonl")
        },
        {one["id"]: one["question"] for one in questions},
        {one["id"]: one["relevant"] for one in questions},
    )


class Corpus:
    """One set in an index of its own."""

    def __init__(self, directory: Path, encoder: Encoder, given: Set, progress: Progress) -> None:
        self.given, self._encoder, self._progress = given, encoder, progress
        self._tenant, self._collection, self._space = uuid7(), uuid7(), uuid7()
        self._names = {uuid5(self._space, name): name for name in given.documents}
        self._index = EdgeVectors.create(directory, encoder.dimensions)
        self._statistics = self._fill()
        self._vectors = dict(zip(given.questions, self._encoded(list(given.questions.values())), strict=True))

    def _encoded(self, texts: Sequence[str]) -> Iterator[NDArray[Any]]:
        task = self._progress.add_task(f"{self.given.name}: encoding", total=len(texts))
        for start in range(0, len(texts), BATCH):
            yield from self._encoder.encode(texts[start : start + BATCH])
            self._progress.advance(task, BATCH)

    def _fill(self) -> Statistics:
        frequencies: Counter[int] = Counter()
        points: list[Point] = []
        for (name, text), vector in zip(
            self.given.documents.items(), self._encoded(list(self.given.documents.values())), strict=True
        ):
            counts = bm25.counted(text)
            frequencies.update(counts.keys())
            weights = bm25.document(counts)
            id_ = uuid5(self._space, name)
            sparse = Sparse(weights.ids, weights.values)
            points.append(Point(id_, self._tenant, self._collection, id_, id_, tuple(READERS), vector, sparse))
        self._index.upsert(points)
        return Statistics(len(points), frequencies)

    def legs(self, question: str) -> Legs:
        """Both legs for one question, whatever its language."""
        weights = bm25.question(bm25.counted(self.given.questions[question]), self._statistics)
        sparse = Sparse(weights.ids, weights.values)
        return self._index.search(Scope(self._tenant, READERS), self._vectors[question], sparse, DEPTH)

    def runs(self) -> dict[str, dict[str, list[str]]]:
        """Each way of searching → question → documents, best first."""
        found: dict[str, dict[str, list[str]]] = {"sparse": {}, "dense": {}, "rrf": {}, "ours": {}}
        for question, text in self.given.questions.items():
            legs = self.legs(question)
            sparse, dense = ([(hit.id, hit.score) for hit in leg] for leg in (legs.sparse, legs.dense))
            votes = covers(self._encoder.languages, detect(text))
            ranked = {
                "sparse": [one for one, _ in sparse],
                "dense": [one for one, _ in dense],
                "rrf": rrf([one for one, _ in sparse], [one for one, _ in dense]),
                "ours": [one.id for one in hybrid(sparse, dense, dense_votes=votes)],
            }
            for way, ids in ranked.items():
                found[way][question] = [self._names[one] for one in ids]
        self._index.close()
        return found


def rrf(*legs: Sequence[UUID]) -> list[UUID]:
    """Reciprocal rank fusion with equal weights: what most systems do."""
    scores: Counter[UUID] = Counter()
    for leg in legs:
        for rank, one in enumerate(leg, start=1):
            scores[one] += 1 / (RRF_K + rank)  # type: ignore[assignment] # a Counter of floats
    return sorted(scores, key=lambda one: -scores[one])


def measured(given: Set, run: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Measure → mean over all questions, those without any result too."""
    qrels = [ir_measures.Qrel(q, d, grade) for q, found in given.relevant.items() for d, grade in found.items()]
    ranked = [ir_measures.ScoredDoc(q, d, -float(n)) for q, found in run.items() for n, d in enumerate(found)]
    told = ir_measures.calc_aggregate(list(MEASURES.values()), qrels, ranked)
    return {name: float(told[measure]) for name, measure in MEASURES.items()}


def figures(given: Set, scores: Mapping[str, Mapping[str, float]]) -> Iterator[Figure]:
    """Ours against each other way, with what the issue demands."""
    for measure in MEASURES:
        for way in ("sparse", "dense", "rrf"):
            name, ours, other = f"{given.name} {measure}", scores["ours"][measure], scores[way][measure]
            demand = None
            if way == "sparse" and given.name in ("xquad-zh", "stard-dev"):
                demand = other
            if way == "rrf" and (given.name, measure) == ("cranfield-dev", "nDCG@10"):
                demand = 0.436
            if way == "rrf" and (given.name, measure) == ("xquad-en", "R@10"):
                demand = 0.997
            if demand is None:
                yield Figure(name, ours, other, way)
            else:
                yield Figure(name, ours, other, way, f">= {demand:.4f}", ours >= demand)


def encoder_of(settings: Settings) -> Encoder:
    """The encoder as its own process has it."""
    from appliance.drivers.encoder.counting import Counter as Tokens  # noqa: PLC0415 - torch is imported here
    from appliance.entry.encoder import load as load_encoder  # noqa: PLC0415 - the same

    return load_encoder(settings, Tokens(settings.model_store / settings.encoder.model))


def main() -> int:
    """Measure and print; 1 where a demand is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--sets", default="xquad-en,cranfield,xquad-zh,stard", help="which sets, by comma")
    given = parser.parse_args()
    if not DATA.is_dir():
        print("skipped: ../shared/data, the sets with judgements, is not there", file=sys.stderr)
        return 0
    begun, told, ways = time.monotonic(), list[Figure](), dict[str, Any]()
    with Progress(console=Console(stderr=True), transient=True) as progress, TemporaryDirectory() as temporary:
        encoder = encoder_of(Settings())
        for name in given.sets.split(","):
            loaded = load(DATA / name)
            runs = Corpus(Path(temporary) / name, encoder, loaded, progress).runs()
            ways[loaded.name] = {way: measured(loaded, run) for way, run in runs.items()}
            told += figures(loaded, ways[loaded.name])
    about = {"encoder": encoder.name, "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    status = tell(told, document=given.json, digits=4, ways=ways, **about)
    if not given.json:
        print(f"{about['encoder']}; {about['machine']}; {time.monotonic() - begun:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
