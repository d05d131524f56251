"""How good quotations and attributions are, without any model: `make bench-attribution`.

- XQuAD: of the answerable questions, how many first quotes hold the expected answer, with the passages that sparse
  search finds; and how often nothing is quoted when the question's own article is withheld (it should be always). The
  weights of ``chat.quoting`` were fitted on articles of even number; the figures are of the odd ones.
- The sample handbook, parsed and chunked as ingest does: the same for its questions, and for those without an answer.
- Attribution: a gold sentence must be supported, the same with another number or another name must not.
"""

import argparse
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from appliance.chat.answering import PASSAGES
from appliance.chat.attribution import attribute, numbers
from appliance.chat.evidence import Pool, Source, pool
from appliance.chat.following import Leaning
from appliance.chat.quoting import Quote, chosen, enough, ranked
from appliance.knowledge import bm25
from appliance.knowledge.chunking import chunks
from appliance.knowledge.language import detect
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.read import read
from bench.report import Figure, tell

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
HANDBOOK = ROOT / "docs" / "handbook"
NOWHERE = UUID(int=0)


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


def flat(text: str) -> str:
    """As facts are compared: NFKC, folded, without white space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def quoted(question: str, language: str, sources: list[Source]) -> tuple[list[Quote], tuple[Quote, ...]]:
    """All quotes in order, and those that an answer would show."""
    ground = pool(sources)
    every = ranked(Leaning(question), ground)
    return every, chosen(every, ground, enough(language))


def xquad(name: str) -> Iterator[Figure]:
    """Quotes on the odd articles of one XQuAD set."""
    documents = lines(DATA / name / "documents.jsonl")
    sources = [Source(uuid5(NOWHERE, one["id"]), one["id"], NOWHERE, NOWHERE, one["text"]) for one in documents]
    index = Sparse([*sources])
    questions = [one for one in lines(DATA / name / "questions.jsonl") if int(article(next(iter(one["relevant"])))) % 2]
    tally: Counter[str] = Counter()
    for one in questions:
        home = article(next(iter(one["relevant"])))
        language = detect(one["question"])
        found = index.find(one["question"], PASSAGES)
        every, shown = quoted(one["question"], language, found)
        tally["reachable"] += holds_any(one["answers"], (source.text for source in found))
        tally["first"] += holds_any(one["answers"], (quote.evidence.text for quote in every[:1]))
        tally["second"] += holds_any(one["answers"], (quote.evidence.text for quote in every[:2]))
        tally["shown"] += bool(shown)
        tally["right"] += holds_any(one["answers"], (quote.evidence.text for quote in shown))
        without = index.find(one["question"], PASSAGES, away_from(home))
        tally["silent"] += not quoted(one["question"], language, without)[1]
        for label, held in claims(one, every):
            tally[label] += 1
            tally[f"{label} supported"] += held
    count = len(questions)
    reachable = tally["reachable"] / count
    yield Figure(
        f"{name}: first quote holds the answer", tally["first"] / count, reachable, "share of passages that do"
    )
    yield Figure(f"{name}: one of two quotes holds it", tally["second"] / count, reachable, "share of passages that do")
    yield Figure(f"{name}: answerable questions that are answered", tally["shown"] / count, None)
    yield Figure(f"{name}: of these the quotes hold the answer", tally["right"] / tally["shown"], None)
    yield Figure(f"{name}: without its article, says that it is not told", tally["silent"] / count, None)
    for label in ("gold sentence", "gold answer", "changed number"):
        if tally[label]:
            yield Figure(
                f"{name}: {label} supported", tally[f"{label} supported"] / tally[label], None, f"n={tally[label]}"
            )


def claims(one: dict[str, Any], every: list[Quote]) -> Iterator[tuple[str, bool]]:
    """What an answer might say, and whether attribution supports it."""
    gold = next((quote for quote in every if holds_any(one["answers"], [quote.evidence.text])), None)
    if gold is None:
        return
    ground = pool([Source(NOWHERE, "", NOWHERE, NOWHERE, quote.evidence.text) for quote in every])
    yield "gold sentence", supported(gold.evidence.text, one["question"], ground)
    yield "gold answer", supported(one["answers"][0], one["question"], ground)
    for number in sorted(numbers(gold.evidence.text) - numbers(one["question"]))[:1]:
        if number.isdigit() and number in gold.evidence.text:
            changed = gold.evidence.text.replace(number, str(int(number) + 7919), 1)
            yield "changed number", supported(changed, one["question"], ground)


def supported(text: str, question: str, ground: Pool) -> bool:
    """Whether all that ``text`` says has support."""
    said = attribute(text, question, ground)
    return bool(said) and all(one.supported for one in said)


def away_from(home: str) -> Callable[[Source], bool]:
    """Keeps the passages of other articles."""
    return lambda source: article(source.name) != home


def article(name: str) -> str:
    """The article that a passage of XQuAD belongs to."""
    return name.split("-", maxsplit=1)[0]


def holds_any(answers: list[str], texts: Iterator[str] | list[str]) -> bool:
    """Whether some text holds one of the answers."""
    return any(flat(answer) in flat(text) for text in texts for answer in answers)


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


def handbook() -> Iterator[Figure]:
    """Quotes and silence on the sample handbook's questions, and on the hard ones."""
    index = Sparse(list(handbook_sources()))
    yield from asked_of("handbook", index, lines(HANDBOOK / "questions.jsonl"))
    yield from asked_of("hard questions", index, lines(HANDBOOK / "questions-hard.jsonl"))


def asked_of(name: str, index: Sparse, questions: list[dict[str, Any]]) -> Iterator[Figure]:
    """The figures of one set of questions."""
    tally: Counter[str] = Counter()
    for one in questions:
        script = "en" if one["language"] == "en" else "zh"
        found = index.find(one["question"], PASSAGES)
        every, shown = quoted(one["question"], one["language"], found)
        if one["document"] is None:
            tally[f"{script} untold"] += 1
            tally[f"{script} silent"] += not shown
            continue
        tally[script] += 1
        tally["mute"] += not shown
        tally[f"{script} first"] += holds_all(one["facts"], every[:1])
        tally[f"{script} right"] += holds_all(one["facts"], list(shown))
    for script in ("en", "zh"):
        yield Figure(f"{name} {script}: first quote holds the facts", tally[f"{script} first"] / tally[script], None)
        yield Figure(f"{name} {script}: the answer's quotes hold them", tally[f"{script} right"] / tally[script], None)
        yield Figure(
            f"{name} {script}: says what is not told", tally[f"{script} silent"] / tally[f"{script} untold"], None
        )
    told = sum(tally[f"{script}"] for script in ("en", "zh"))
    right, untold = tally["en right"] + tally["zh right"], tally["en untold"] + tally["zh untold"]
    silent = tally["en silent"] + tally["zh silent"]
    yield Figure(f"{name}: abstention precision", silent / max(silent + tally["mute"], 1), None)
    yield Figure(f"{name}: abstention recall", silent / untold, None)
    yield Figure(f"{name}: right answers", right / told, None)


def holds_all(facts: list[str], quotes: list[Quote]) -> bool:
    """Whether one of the quotes holds every fact."""
    return any(all(flat(fact) in flat(quote.evidence.text) for fact in facts) for quote in quotes)


def main() -> None:
    """Prints one line per figure, or one JSON document."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", action="store_true")
    arguments = options.parse_args()
    figures = [*handbook()]
    for name in ("xquad-en", "xquad-zh"):
        if (DATA / name).exists():
            figures.extend(xquad(name))
        elif not arguments.json:
            print(f"{name}: skipped, ../shared/data/{name} is not here")
    tell(figures, document=arguments.json, digits=3)


if __name__ == "__main__":
    main()
