"""The model's answer while it grows: a sentence is attributed as soon as it ends, at last it stands or is replaced.

No I/O: pieces of text in, sentences out.
"""

from collections.abc import Sequence

from appliance.chat import answer as answers
from appliance.chat import mode
from appliance.chat.answer import Answer, Citation, Citations, Sentence
from appliance.chat.attribution import Attributed, Support
from appliance.chat.evidence import Pool
from appliance.chat.likeness import Likeness, no_likeness
from appliance.chat.mode import Choice
from appliance.chat.quoting import Quote
from appliance.chat.sentences import finished, pieces
from appliance.kit import clock

Told = tuple[int, Sentence, tuple[Citation, ...]]
"""The place of a sentence in the answer, counted from 0, the sentence, and what it cites."""


class Writing:
    """One composed answer. ``first``: the monotonic second of its first visible text, None before."""

    def __init__(self, question: str, pool: Pool, quotes: Sequence[Quote], likeness: Likeness = no_likeness) -> None:
        self._question = question
        self._pool = pool
        self._quotes = quotes
        self._text = ""
        self._attributed: list[Attributed] = []
        self._citations = Citations(pool)
        self._support = Support(question, pool, likeness)
        self.first: float | None = None

    def add(self, text: str) -> None:
        """The model's next words."""
        if self.first is None and text.strip():
            self.first = clock.monotonic()
        self._text += text

    def sentences(self, *, last: bool) -> list[Told]:
        """The sentences that ended since the last call; all that are left where the answer has ended."""
        known = len(self._attributed)
        ended = pieces(self._text) if last else finished(self._text)
        fresh = [self._support.sentence(self._text, piece) for piece in ended[known:]]
        self._attributed += fresh
        told = [self._citations.sentence(one) for one in fresh]
        return [(known + index, one, self._citations.cited(one.citations)) for index, one in enumerate(told)]

    def answer(self) -> Answer:
        """What stands at the end: the model's own words, or the quotes in their place."""
        choice = mode.after(self._question, self._quotes, self._attributed)
        if choice.mode == "composed":
            return answers.composed(self._text.strip(), self._attributed, self._pool, self._question)
        return replacement(choice, self._quotes, self._pool, question=self._question)


def replacement(
    choice: Choice, quotes: Sequence[Quote], pool: Pool, language: str = "en", *, question: str = ""
) -> Answer:
    """The answer without a model: the quotes, or that the documents do not tell."""
    if choice.mode == "none" or not quotes:
        return answers.untold(language, choice.reason)
    return answers.quoted(quotes, pool, choice.reason, question)
