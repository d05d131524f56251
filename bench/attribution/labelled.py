"""The hundred labelled answers (``docs/handbook/answers.jsonl``), and how well attribution does on them.

A sentence is rightly called supported when it is labelled so and the citation stands on one of the labelled spans. One
that cites another place is wrong both ways: a false citation, and a miss.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from appliance.chat.answering import PASSAGES
from appliance.chat.attribution import Attributed, attribute
from appliance.chat.evidence import Pool, pool
from appliance.chat.likeness import EncoderLikeness, Likeness, no_likeness
from appliance.drivers.encoder.counting import Counter as Counting
from appliance.entry.encoder import load
from appliance.kit import settings
from appliance.knowledge.terms import normal
from bench.attribution.handbook import HANDBOOK, Sparse, handbook_sources

_FORM: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Tally:
    """Sentences: ``called`` supported, ``labelled`` so, and ``right``: both, with a right citation."""

    called: int
    labelled: int
    right: int

    @property
    def precision(self) -> float:
        """What part of those called supported are, by the span that is cited."""
        return self.right / self.called if self.called else 1.0

    @property
    def recall(self) -> float:
        """What part of the supported ones is called so."""
        return self.right / self.labelled if self.labelled else 1.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.called + self.labelled
        return 2 * self.right / both if both else 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence, its label and what attribution says."""

    answer: dict[str, Any]
    label: dict[str, Any]
    said: Attributed
    cited: str | None
    """The document that is cited."""

    @property
    def right(self) -> bool:
        """Whether it is called supported, is so, and cites a right span."""
        return any(self._stands(one["document"], one["span"]) for one in self.label["support"])

    @property
    def wrong(self) -> bool:
        """Whether the label says otherwise."""
        return self.said.supported != bool(self.label["support"]) or (self.said.supported and not self.right)

    def _stands(self, document: str, span: str) -> bool:
        if self.said.evidence is None or self.cited != document:
            return False
        quote, wanted = bare(self.said.evidence.text), bare(span)
        return wanted in quote or quote in wanted


def bare(text: str) -> str:
    """Letters and digits alone: a PDF breaks lines, a table has bars."""
    return _FORM.sub("", normal(text))


def answers(half: str | None = None) -> list[dict[str, Any]]:
    """The labelled answers of one half (``dev`` or ``test``), or of both."""
    lines = (HANDBOOK / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return [one for one in map(json.loads, lines) if half in (None, one["half"])]


@cache
def index() -> Sparse:
    """The handbook's chunks, searched by words."""
    return Sparse(list(handbook_sources()))


def passages(question: str) -> Pool:
    """What an answer to the question may rest on."""
    return pool(index().find(question, PASSAGES))


@cache
def real_likeness() -> Likeness:
    """By the encoder of the model store, loaded in this process."""
    given = settings.load()
    return EncoderLikeness(load(given, Counting(given.model_store / given.encoder.model)))


def judged(half: str, likeness: Likeness = no_likeness) -> Iterator[Judged]:
    """Every sentence of one half."""
    for answer in answers(half):
        ground = passages(answer["question"])
        text = "\n".join(one["text"] for one in answer["sentences"])
        said = attribute(text, answer["question"], ground, likeness)
        for label, one in zip(answer["sentences"], said, strict=True):
            cited = ground.sources[one.evidence.source].name if one.evidence else None
            yield Judged(answer, label, one, cited)


def tallies(half: str, likeness: Likeness = no_likeness) -> dict[str, Tally]:
    """Precision and recall: ``en``, ``zh`` and ``all``."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in judged(half, likeness):
        for name in ("all", "en" if one.answer["language"] == "en" else "zh"):
            counts[name, "called"] += one.said.supported
            counts[name, "labelled"] += bool(one.label["support"])
            counts[name, "right"] += one.right
    return {
        name: Tally(counts[name, "called"], counts[name, "labelled"], counts[name, "right"])
        for name in ("en", "zh", "all")
    }
