"""The quoted answer: the sentences of the documents that best answer a question, word for word.

A piece is scored by how much of the question it holds, rare terms first, with smaller credit for what stands around it.
The weights were fitted by logistic regression on half of XQuAD's articles and rounded; ``make bench-attribution``
prints what they give on the other half, and on the sample handbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.chat.asked import Asked, Same, asked, fits, wordings
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
UNKNOWN: Final = 0.5
"""Left of every score where the question names a product that no passage knows."""
STRANGER: Final = 0.1
"""Taken off where the question names somebody or some place of whom neither the passage nor its headings speak."""
BARE: Final = 0.1
"""Taken off from a table's first row and from a line of particulars (author · version · date): they say little."""

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


def ranked(question: Leaning, pool: Pool, same: Sequence[Same] = ()) -> list[Quote]:
    """All pieces, best first; equal scores keep the passages' order. An earlier question orders and raises no score.

    ``same``: what means the same by the glossary; a piece is scored by the wording of the question that suits it best.
    """
    scores, earlier = (
        [Score(asked(one), pool) for one in wordings(question.text, same)],
        Score(asked(question.earlier), pool),
    )
    scored = [Quote(one, max(score(one) for score in scores)) for one in pool.evidence]
    if question.earlier:
        return sorted(scored, key=lambda quote: -quote.score - EARLIER * earlier(quote.evidence))
    return sorted(scored, key=lambda quote: -quote.score)


class Score:
    """How well pieces answer one question: about 0 for nothing in common, 1 for all of the question's terms."""

    def __init__(self, wanted: Asked, pool: Pool) -> None:
        self._wanted = wanted
        self._weights = {term: share * pool.weight(term) for term, share in wanted.terms.items() if _real(term, pool)}
        self._whole = sum(self._weights.values()) or 1.0
        self._credit = UNKNOWN if any(not pool.knows(code) for code in wanted.codes) else 1.0

    def __call__(self, evidence: Evidence) -> float:
        """The score of one piece."""
        left = set(self._weights)
        shared = 0.0
        for terms, credit in (
            (evidence.terms, 1.0),
            (evidence.context, CONTEXT),
            (evidence.before, BEFORE),
            (evidence.passage, PASSAGE),
        ):
            shared += credit * sum(self._weights[term] for term in left & terms)
            left -= terms
        return self._credit * (shared / self._whole + self._bonus(evidence))

    def _bonus(self, evidence: Evidence) -> float:
        fit = fits(self._wanted, evidence.text)
        bonus = FIT if fit > 0 else -MISFIT if fit < 0 else 0.0
        around = evidence.terms | evidence.context | evidence.passage
        bonus -= STRANGER * any(name and not name & around for name in self._wanted.names)
        if evidence.bare:
            bonus -= BARE
        return bonus + (CELL if self._cell(evidence, figure=fit > 0) else 0.0)

    def _cell(self, evidence: Evidence, *, figure: bool) -> bool:
        """Whether the row is about what is asked: a cell stands in the question, and beside it a figure or a code."""
        if evidence.piece.kind != "row" or evidence.bare:
            return False
        question = normal(self._wanted.text)
        cells = (normal(cell).strip() for cell in evidence.text.replace("\t", "|").split("|"))
        named = [cell for cell in cells if len(cell) > 1 and cell in question]
        return any(figure or not cell.isalpha() for cell in named)


def _real(term: str, pool: Pool) -> bool:
    """Not the seam between an ideograph and a code (xr200的) that is nowhere else: it is no word."""
    return term.isascii() or not any(letter.isascii() for letter in term) or pool.knows(term)


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
