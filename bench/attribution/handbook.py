"""The sample handbook, parsed and chunked as ingest does, and searched by words."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from appliance.chat.evidence import Source
from appliance.knowledge import bm25
from appliance.knowledge.chunking import chunks
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.read import read

HANDBOOK = Path(__file__).parents[2] / "docs" / "handbook"
NOWHERE = UUID(int=0)


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Sparse:
    """BM25 over passages, as the sparse leg of search computes it."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.frequencies: Counter[int] = Counter()
        self.postings: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for number, source in enumerate(sources):
            counts = bm25.counted("\n".join((source.name, *source.headings, source.lead, source.text)))
            self.frequencies.update(counts.keys())
            weights = bm25.document(counts)
            for term, value in zip(weights.ids.tolist(), weights.values.tolist(), strict=True):
                self.postings[term].append((number, value))

    def find(self, question: str, limit: int, keep: Callable[[Source], bool] = lambda _: True) -> list[Source]:
        """The best ``limit`` passages that may be kept."""
        scores: dict[int, float] = defaultdict(float)
        asked = bm25.question(bm25.counted(question), bm25.Statistics(len(self.sources), self.frequencies))
        for term, weight in zip(asked.ids.tolist(), asked.values.tolist(), strict=True):
            for number, value in self.postings[term]:
                scores[number] += weight * value
        order = sorted(scores, key=lambda number: (-scores[number], number))
        return [self.sources[number] for number in order if keep(self.sources[number])][:limit]


def handbook_sources() -> Iterator[Source]:
    """The sample handbook's chunks."""
    for path in sorted((HANDBOOK / "documents").iterdir()):
        with path.open("rb") as file:
            parsed = read(file, path.name, ParseLimits())
        document = uuid5(NOWHERE, path.name)
        for chunk in chunks(parsed.text, parsed.blocks, lambda texts: [len(text) // 4 + 1 for text in texts]):
            yield Source(
                document,
                path.name,
                document,
                uuid5(document, str(chunk.ordinal)),
                chunk.text,
                chunk.start,
                page=chunk.page,
                headings=chunk.headings,
                lead=chunk.lead,
            )
