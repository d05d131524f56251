"""How good quotations and attributions are, without any model: `make bench-attribution`.

- XQuAD: of the answerable questions, how many first quotes hold the expected answer, with the passages that sparse
  search finds; and how often nothing is quoted when the question's own article is withheld (it should be always). The
  weights of ``chat.quoting`` were fitted on articles of even number; the figures are of the odd ones.
- The sample handbook, parsed and chunked as ingest does: the same for its questions, and for those without an answer.
- Attribution: a gold sentence must be supported, the same with another number or another name must not.
- A hundred labelled answers to the handbook's questions, with the real encoder: half of them were tuned on.
"""

import argparse
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid5

from appliance.chat.answering import PASSAGES
from appliance.chat.attribution import attribute
from appliance.chat.evidence import Pool, Source, pool
from appliance.chat.facts import numbers
from appliance.chat.following import Leaning
from appliance.chat.quoting import Quote, chosen, enough, ranked
from appliance.knowledge.language import detect
from bench.attribution.handbook import HANDBOOK, NOWHERE, Sparse, handbook_sources, lines
from bench.attribution.labelled import real_likeness, tallies
from bench.report import Figure, tell

DATA: Final = HANDBOOK.parents[2] / "shared" / "data"
PRECISION: Final = 0.95
RECALL: Final = 0.85


def flat(text: str) -> str:
    """As facts are compared: NFKC, folded, without white space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


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


def labelled() -> Iterator[Figure]:
    """The hundred labelled answers: those that were tuned on, and those that were not."""
    likeness = real_likeness()
    for half in ("dev", "test"):
        for language, tally in tallies(half, likeness).items():
            name = f"labelled answers, {half}, {language}"
            asked = language == "all" and half == "test"
            least = [f">= {bound}" if asked else "" for bound in (PRECISION, RECALL)]
            told = f"of {tally.called} called supported, {tally.labelled} labelled so"
            yield Figure(
                f"{name}: precision", tally.precision, None, told, least[0], tally.precision >= PRECISION or not asked
            )
            yield Figure(f"{name}: recall", tally.recall, None, "", least[1], tally.recall >= RECALL or not asked)
            yield Figure(f"{name}: F1", tally.f1)


def main() -> int:
    """Prints one line per figure, or one JSON document; 1 where a demand is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--labelled", action="store_true", help="the labelled answers alone")
    arguments = options.parse_args()
    figures = [*labelled()]
    if not arguments.labelled:
        figures += handbook()
        for name in ("xquad-en", "xquad-zh"):
            if (DATA / name).exists():
                figures.extend(xquad(name))
            elif not arguments.json:
                print(f"{name}: skipped, ../shared/data/{name} is not here")
    return tell(figures, document=arguments.json, digits=3)


if __name__ == "__main__":
    sys.exit(main())
