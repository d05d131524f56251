"""Whether an answer is composed by the model, quoted word for word, or none: DESIGN §6 as a pure function.

A composed answer is given only where it is at least as good as the quotation that could stand in its place: so an
answer is never worse than its sources, however small the model.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from appliance.chat.asked import asked, fits
from appliance.chat.attribution import Attributed
from appliance.chat.facts import numbers
from appliance.chat.quoting import Quote

Mode = Literal["composed", "quoted", "none"]
Reason = Literal[
    "", "asked", "language", "engine", "unsupported", "off_the_point", "contradiction", "nothing_found", "deleted"
]

NEAR_ENOUGH: Final = 0.7
"""The piece behind a composed sentence must answer the question as well as this part of the best quote does."""

NOTHING: Final = {
    "en": "The documents do not tell.",
    "zh-Hans": "文档中没有说明。",
    "zh-Hant": "文件中沒有說明。",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The mode and why it is not composed; ``reason`` is empty for a composed answer."""

    mode: Mode
    reason: Reason = ""


def nothing(language: str) -> str:
    """Say that the documents do not tell, in the question's language; English where we have no better."""
    return NOTHING.get(language, NOTHING["en"])


def speaks(languages: Collection[str], language: str) -> bool:
    """Whether a model of these BCP-47 languages speaks ``language``; ``zh`` covers both scripts."""
    return language in languages or language.partition("-")[0] in languages


def before(quotes: Sequence[Quote], *, quoted_only: bool, spoken: bool, engine: bool) -> Choice:
    """The choice before the model is asked. ``quotes`` are those chosen to stand; composed means: ask the model."""
    if not quotes:
        return Choice("none", "nothing_found")
    if quoted_only:
        return Choice("quoted", "asked")
    if not spoken:
        return Choice("quoted", "language")
    return Choice("composed") if engine else Choice("quoted", "engine")


def after(question: str, quotes: Sequence[Quote], sentences: Sequence[Attributed]) -> Choice:
    """The choice once the model has answered: its answer stands, or the quotes replace it."""
    supported = [one for one in sentences if one.supported]
    if not supported:
        return Choice("quoted", "unsupported")
    wanted = asked(question)
    to_the_point = (one.relevance for one in supported if fits(wanted, one.text) >= 0)
    if max(to_the_point, default=0.0) < NEAR_ENOUGH * quotes[0].score:
        return Choice("quoted", "off_the_point")
    if wanted.kind == "number" and _silent_on(quotes, question, " ".join(one.text for one in sentences)):
        return Choice("quoted", "contradiction")
    return Choice("composed")


def _silent_on(quotes: Sequence[Quote], question: str, answer: str) -> bool:
    """Whether documents give several numbers as the answer, and one of them is left out."""
    told = numbers(answer) | numbers(question)
    rivals = [numbers(quote.evidence.text) - numbers(question) for quote in quotes]
    return len(quotes) > 1 and any(rival and not rival & told for rival in rivals)
