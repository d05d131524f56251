"""Questions that lean on the ones before: `make bench-following`, `bin/bench following [--json]`.

The conversations of the sample handbook (``conversations.jsonl``), by words alone: no model and no encoder. Found is
the passage of the named document that holds the facts. ``ours`` searches for what ``chat.following`` makes of the last
question; beside it the last question alone, together with the one before it, and with all before it. Of conversations
that change their subject the last question alone is the best that can be.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from appliance.chat.following import condense
from appliance.knowledge import bm25
from appliance.knowledge.chunking import chunks
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.read import read
from bench.attribution.__main__ import flat
from bench.report import Figure, tell
from bench.retrieval.judged import HANDBOOK, lines

WAYS: Final[dict[str, Callable[[Sequence[str]], str]]] = {
    "alone": lambda turns: turns[-1],
    "with the last": lambda turns: " ".join(turns[-2:]),
    "with all": " ".join,
    "ours": lambda turns: condense(turns[-1], turns[:-1]).search,
}
DEPTH: Final = 10


class Passages:
    """The handbook's passages, searched by words as the appliance does."""

    def __init__(self) -> None:
        self.held: list[tuple[str, str]] = []
        counted = []
        for path in sorted((HANDBOOK / "documents").iterdir()):
            with path.open("rb") as file:
                parsed = read(file, path.name, ParseLimits())
            title = parsed.title or PurePosixPath(path.name).stem
            for chunk in chunks(parsed.text, parsed.blocks, lambda texts: [len(text) // 4 + 1 for text in texts]):
                self.held.append((path.name, flat(chunk.text)))
                counted.append(bm25.counted(chunk.counted(title)))
        self._weights = [bm25.document(counts) for counts in counted]
        found: dict[int, int] = {}
        for counts in counted:
            for term in counts:
                found[term] = found.get(term, 0) + 1
        self._statistics = bm25.Statistics(len(counted), found)

    def best(self, question: str) -> list[tuple[str, str]]:
        """The best passages: document and text."""
        asked = bm25.question(bm25.counted(question), self._statistics)
        scored = sorted(((-bm25.score(asked, one), n) for n, one in enumerate(self._weights)))
        return [self.held[n] for score, n in scored[:DEPTH] if score < 0]


def rank(one: dict[str, Any], found: Sequence[tuple[str, str]]) -> int | None:
    """The place of the passage that answers, from 1; None where it is not found."""
    facts = [flat(fact) for fact in one["facts"]]
    for place, (document, text) in enumerate(found, 1):
        if document == one["document"] and all(fact in text for fact in facts):
            return place
    return None


def figures(passages: Passages, told: list[dict[str, Any]]) -> list[Figure]:
    """Ours and the other ways."""
    ranks = {way: [rank(one, passages.best(make(one["turns"]))) for one in told] for way, make in WAYS.items()}
    measures: dict[str, Callable[[int | None], float]] = {
        "first": lambda place: float(place == 1),
        "among 5": lambda place: float(place is not None and place <= 5),
        "MRR": lambda place: 1 / place if place else 0.0,
    }
    found = []
    for name, measure in measures.items():
        means = {way: sum(map(measure, places)) / len(places) for way, places in ranks.items()}
        best = max(value for way, value in means.items() if way != "ours")
        found += [
            Figure(f"conversations {name}", means["ours"], means[way], way, *_demand(means, best, way))
            for way in WAYS
            if way != "ours"
        ]
    return found


def _demand(means: dict[str, float], best: float, way: str) -> tuple[str, bool]:
    return (">= each other way", means["ours"] >= best) if means[way] == best else ("", True)


def main() -> int:
    """Print them; 1 where ours is behind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--misses", action="store_true", help="what ours does not find first")
    given = parser.parse_args()
    passages, told = Passages(), list(lines(HANDBOOK / "conversations.jsonl"))
    if given.misses:
        for one in told:
            places = [rank(one, passages.best(make(one["turns"]))) for make in WAYS.values()]
            if places[-1] != 1:
                print(one["id"], one["turns"], "→", WAYS["ours"](one["turns"]), dict(zip(WAYS, places, strict=True)))
    return tell(figures(passages, told), document=given.json, digits=3)


if __name__ == "__main__":
    raise SystemExit(main())
