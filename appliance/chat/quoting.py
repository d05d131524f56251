"""The quoted answer: the sentences of the documents that best answer a question, word for word.

A piece is scored by how much of the question it holds, rare terms first, with smaller credit for what stands around it.
The weights were fitted by logistic regression on half of XQuAD's articles and rounded; ``make bench-attribution``
prints what they give on the other half, and on the sample handbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.chat.asked import Asked, asked, fits
from appliance.chat.evidence import Evidence, Pool, Source
from appliance.chat.following import Leaning
from appliance.knowledge.terms import normal

CONTEXT: Final = 0.5
"""Credit for a term in the headings, the table's header or the document's name."""
BEFORE: Final = 0.12
PASSAGE: Final = 0.18
CELL: Final = 0.15
"""A cell of a table row that stands in the question as a whole: the row is about just that."""
MISFIT: Final = 0.12
"""Taken off where a number or a name is asked for and the piece has none of its own."""
FIT: Final = 0.03

EARLIER: Final = 0.4
"""What the question before counts in the order of answers to one that leans on it."""

ENOUGH: Final = 0.42
"""Below this the documents do not tell."""
ENOUGH_CHINESE: Final = 0.36
"""The same for Chinese: overlapping bigrams cross the borders of words, and those of a question are in no document."""
CLOSE: Final = 0.92
"""A piece of another document that scores this part of the best is shown as well: documents may contradict."""
WORTH_READING: Final = 0.5
"""A passage is shown to the model whose best piece scores this part of the best of all."""
MOST_READ: Final = 4
"""Passages shown to the model at most."""
MOST: Final = 3
"""Pieces in one quoted answer."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece with its score; 1 means that it holds every term of the question."""

    evidence: Evidence
    score: float


def ranked(question: Leaning, pool: Pool) -> list[Quote]:
    """All pieces, best first; equal scores keep the passages' order. An earlier question orders and raises no score."""
    wanted, earlier = asked(question.text), asked(question.earlier)
    scored = [(Quote(one, score(wanted, one, pool)), one) for one in pool.evidence]
    order = sorted(scored, key=lambda entry: -entry[0].score - EARLIER * score(earlier, entry[1], pool))
    return [quote for quote, _ in order]


def score(wanted: Asked, evidence: Evidence, pool: Pool) -> float:
    """How well ``evidence`` answers: about 0 for nothing in common, 1 for all of the question's terms."""
    own = wanted.terms & evidence.terms
    context = (wanted.terms & evidence.context) - own
    before = (wanted.terms & evidence.before) - own - context
    passage = (wanted.terms & evidence.passage) - own - context - before
    parts = ((own, 1.0), (context, CONTEXT), (before, BEFORE), (passage, PASSAGE))
    shared = sum(credit * pool.share(wanted.terms, found) for found, credit in parts)
    fit = fits(wanted, evidence.text)
    return shared + _cell(wanted, evidence) + (FIT if fit > 0 else -MISFIT if fit < 0 else 0.0)


def _cell(wanted: Asked, evidence: Evidence) -> float:
    if evidence.piece.kind != "row":
        return 0.0
    question = normal(wanted.text)
    cells = (normal(cell).strip() for cell in evidence.text.replace("\t", "|").split("|"))
    return CELL if any(len(cell) > 1 and cell in question for cell in cells) else 0.0


def enough(language: str) -> float:
    """The least score of an answer to a question in this language (BCP-47)."""
    return ENOUGH_CHINESE if language.startswith("zh") else ENOUGH


def chosen(quotes: Sequence[Quote], pool: Pool, least: float) -> tuple[Quote, ...]:
    """The best piece, and near equals from other documents. Empty: the documents do not tell."""
    if not quotes or quotes[0].score < least:
        return ()
    best = quotes[0]
    answer = [best]
    documents = {pool.sources[best.evidence.source].document}
    for quote in quotes[1:]:
        if len(answer) == MOST or quote.score < CLOSE * best.score:
            break
        document = pool.sources[quote.evidence.source].document
        if document not in documents and quote.evidence.terms != best.evidence.terms:
            answer.append(quote)
            documents.add(document)
    return tuple(answer)


def worth_reading(quotes: Sequence[Quote], pool: Pool) -> tuple[Source, ...]:
    """The passages to show a model, best first: a small model loses the thread among passages that say nothing."""
    best = quotes[0].score if quotes else 0.0
    numbers = (quote.evidence.source for quote in quotes if quote.score >= WORTH_READING * best)
    return tuple(pool.sources[number] for number in list(dict.fromkeys(numbers))[:MOST_READ])
