"""Which piece of which passage supports a sentence of an answer, or that none does.

A sentence is supported by one piece when

1. all its facts stand there (:mod:`facts`): numbers with their units, dates, codes, names; bounds and currencies are
   not others; a number stands in the clause that speaks of the same thing;
2. it denies what the piece denies, and nothing else (:mod:`denials`);
3. the piece holds most of what the sentence says, rare terms first, and most of what it says beyond the question; less
   is enough where an encoder that covers the language finds the two alike.

One piece, not a passage: "the trial period is 3 weeks" must not be put together from "the trial period is 2 months"
and "a talk after 3 weeks".
"""

import re
from dataclasses import dataclass
from typing import Final

from appliance.chat import contradiction, denials, wording
from appliance.chat.asked import asked
from appliance.chat.evidence import Evidence, Pool
from appliance.chat.facts import facts, names
from appliance.chat.likeness import Likeness, no_likeness
from appliance.chat.quoting import Score
from appliance.chat.sentences import Piece, pieces
from appliance.chat.wording import Wording
from appliance.knowledge.language import detect
from appliance.knowledge.terms import normal, terms

ENOUGH: Final = 0.6
"""The part of a sentence's weight that its piece must hold."""
ENOUGH_CHINESE: Final = 0.5
"""The same for Chinese: a particle more or less makes other bigrams."""
ENOUGH_NEW: Final = 0.5
ENOUGH_NEW_CHINESE: Final = 0.35
"""The same of what the sentence says beyond the question. A paraphrase brings words of its own ("lasts" for "is")."""
LITTLE: Final = 0.25
"""The part that must be held even where the encoder finds both alike."""
NEARLY_ALL: Final = 0.9
"""A piece that holds so much needs no encoder."""
VERY_ALIKE: Final = 0.82
"""The least cosine of a sentence and its piece: one noun for another ("sick leave" for "annual leave") gives .8."""
REPLACED: Final = 0.15
"""The part in words that the piece lacks and other pieces have: the documents' own words for something else."""
MOST_ALIKE: Final = 0.86
"""The least cosine where so much is replaced."""
ALIKE: Final = 0.55
"""The same where the piece is a row, has the sentence's names, or denies the same: less can be something else."""
MUCH_BETTER: Final = 0.8
"""A piece that scores less than this part of another for the question does not gainsay it."""
TIE: Final = 0.25
"""How much a piece's fitness for the question counts among those that support a sentence."""

_HEDGE: Final = re.compile(
    r"^(?:according to|based on|as (?:stated|said|mentioned|described) in|per)\b[^,，]{0,80}[,，]\s*"
    r"|^(?:the )?answer(?: is)?\s*:\s*|^the answer is\b"
    r"|^(?:the )?(?:\w+ )?(?:documents?|passages?|sources?|text|guide|policy|manual|handbook) "
    r"(?:says?|states?|mentions?|tells?)(?: that)?\b"
    r"|\[\d+\]|\((?:passage|source) \d+\)|根据[^，,]{0,40}[，,]|根據[^，,]{0,40}[，,]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Attributed:
    """A sentence of the answer, ``answer[piece.start:piece.end]``, and what supports it. No evidence: unsupported.

    ``relevance`` is the supporting piece's own score for the question (:func:`quoting.score`), 0 where unsupported.
    """

    piece: Piece
    text: str
    evidence: Evidence | None
    relevance: float = 0.0

    @property
    def supported(self) -> bool:
        """Whether some piece says it."""
        return self.evidence is not None


@dataclass(frozen=True, slots=True)
class Fit:
    """A piece that gainsays nothing, and what part of the sentence (of what is new in it) it holds."""

    evidence: Evidence
    held: float
    new: float
    replaced: float


def attribute(answer: str, question: str, pool: Pool, likeness: Likeness = no_likeness) -> tuple[Attributed, ...]:
    """Every sentence of ``answer`` with its support."""
    support = Support(question, pool, likeness)
    return tuple(support.sentence(answer, piece) for piece in pieces(answer))


class Support:
    """Looks for the support of one answer's sentences."""

    def __init__(self, question: str, pool: Pool, likeness: Likeness = no_likeness) -> None:
        self._question = question
        self._pool = pool
        self._likeness = likeness
        self._score = Score(asked(question), pool)
        self._known = frozenset(terms(question)) | asked(question).terms.keys() | wording.words(question)
        self._wording = Wording(pool)

    def sentence(self, answer: str, piece: Piece) -> Attributed:
        """One sentence of ``answer`` with the piece that supports it best."""
        text = answer[piece.start : piece.end]
        said = _HEDGE.sub(" ", text).strip()
        told = wording.words(said)
        fresh = told - self._known
        if not fresh or piece.kind == "heading":
            return Attributed(piece, text, None)
        chinese = detect(said).startswith("zh")
        least, least_new = (ENOUGH_CHINESE, ENOUGH_NEW_CHINESE) if chinese else (ENOUGH, ENOUGH_NEW)
        fitting: list[Fit] = []
        for one in self._pool.evidence:
            held, new = self._wording.held(told, one), self._wording.held(fresh, one)
            if min(held, new) >= LITTLE and self._agrees(said, one):
                fitting.append(Fit(one, held, new, self._wording.replaced(told, one)))
        cosines = self._likeness(said, [fit.evidence.text for fit in fitting])
        if cosines:
            pairs = zip(fitting, cosines, strict=True)
            found = [(cosine, fit.evidence) for fit, cosine in pairs if self._alike(said, fit, cosine)]
        else:
            found = [
                (min(fit.held, fit.new), fit.evidence) for fit in fitting if fit.held >= least and fit.new >= least_new
            ]
        if not found:
            return Attributed(piece, text, None)
        _, best = max(((fit + TIE * self._score(one), one) for fit, one in found), key=lambda entry: entry[0])
        if self._contested(said, best):
            return Attributed(piece, text, None)
        return Attributed(piece, text, best, self._score(best))

    @staticmethod
    def _alike(said: str, fit: Fit, cosine: float) -> bool:
        """Whether the encoder's word, together with the words that are held, is enough."""
        if fit.held >= NEARLY_ALL and fit.new >= ENOUGH_NEW:
            return True
        row, denied = fit.evidence.piece.kind == "row", denials.negative(said)
        named = names(said)
        known = bool(named) and named <= names(fit.evidence.text)
        if row or denied or known:
            return cosine >= ALIKE
        return cosine >= (MOST_ALIKE if fit.replaced >= REPLACED else VERY_ALIKE)

    def _contested(self, said: str, best: Evidence) -> bool:
        """Whether a piece that answers the question much better, in the same words, gives another value."""
        about = wording.bare_words(said)
        held, score = self._wording.held(about, best), self._score(best)
        return any(
            MUCH_BETTER * self._score(one) > score
            and contradiction.differ(one.text, best.text, self._question)
            and self._wording.held(about, one) >= held
            for one in self._pool.evidence
        )

    def _agrees(self, said: str, one: Evidence) -> bool:
        """Facts and denials: what a paraphrase may not change."""
        source = self._pool.sources[one.source]
        ours, theirs, asked_for = facts(said), facts(one.text), facts(self._question)
        row = one.piece.kind == "row"
        measured = theirs.measures | (theirs.unmeasured() if row else frozenset())
        around = normal(" ".join((one.text, self._question, source.name, source.lead, *source.headings)))
        heading = source.headings[-1] if source.headings else ""
        return (
            ours.numbers <= theirs.numbers | asked_for.numbers
            and ours.measures <= measured | asked_for.measures
            and all(theirs.dated(date) for date in ours.dates)
            and not (theirs.bounds and ours.bounds and not ours.bounds & theirs.bounds)
            and not (theirs.currencies and ours.currencies - theirs.currencies)
            and not (theirs.rates and ours.rates - theirs.rates - asked_for.rates)
            and not (
                theirs.codes
                and ours.codes - theirs.codes - facts(" ".join((source.name, source.lead, *source.headings))).codes
            )
            and all(name in around for name in ours.names)
            and denials.agree(said, one.text, under_denial=one.piece.kind == "item" and denials.negative(heading))
            and self._wording.touches(said, one)
            and not wording.opposed(said, one.text)
            and self._wording.placed(said, one.text, asked_for.numbers)
            and not self._wording.swapped(said, one)
            and not self._wording.strange(said, one, self._question)
        )
