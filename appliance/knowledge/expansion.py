"""A question with what its acronyms stand for, and the other way round, by the tenant's glossary.

    "How many PTO days?" + {PTO: paid time off, 年假} ─▶ terms of both, the glossary's at less weight

What the glossary adds finds passages that say it in other words; what the question itself says still ranks first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text

from appliance.access.principal import TenantId
from appliance.kit.asking import Asked, Question
from appliance.knowledge import bm25
from appliance.knowledge.fusion import covers
from appliance.knowledge.language import detect
from appliance.knowledge.terms import normal

_JOINED: Final = re.compile(r"[a-z0-9]{2}")

WEIGHT: Final = 0.6
"""Of all terms of what the glossary adds together, against 1 for each term of what stands in the question."""

_FOUND: Final = Question(
    text(
        "select term, expansions, forms from glossary_terms where tenant_id = :tenant and exists "
        "(select 1 from unnest(forms) as form where position(form in :plain) > 0) order by id"
    )
)
"""One short look at all entries of the tenant, 2,000 at most; nothing is sent for those that the question has not."""


@dataclass(frozen=True, slots=True)
class Added:
    """What the glossary adds to a question: ``said`` stands in it, ``others`` mean the same."""

    said: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A question and what is added to it."""

    question: str
    added: tuple[Added, ...] = ()

    @property
    def others(self) -> tuple[str, ...]:
        """All that is added, each once."""
        return tuple(dict.fromkeys(other for one in self.added for other in one.others))

    def counts(self) -> Mapping[int, float]:
        """The terms of the question as often as they occur, and those that are added.

        An alternative weighs in all no more than ``WEIGHT`` times what it stands for: 带薪年假 is seven terms, PTO one.
        """
        found: dict[int, float] = {}
        for one in self.added:
            said = len(bm25.counted(one.said))
            for other in map(bm25.counted, one.others):
                weight = WEIGHT * min(said / len(other), 1.0)
                found |= {term: max(weight, found.get(term, 0.0)) for term in other}
        return found | bm25.counted(self.question)

    def encoded(self, languages: frozenset[str]) -> str:
        """What the encoder is given: of what is added only what it understands."""
        known = [other for other in self.others if covers(languages, detect(other))]
        return f"{self.question} ({'; '.join(known)})" if known else self.question

    @property
    def whole(self) -> str:
        """Question and additions, as highlights look for them."""
        return "\n".join((self.question, *self.others))


def entries(tenant: TenantId, question: str) -> Asked:
    """Asks for the entries of the tenant's glossary that may stand in the question."""
    return _FOUND.of(tenant=tenant, plain=_plain(question))


def expanded(question: str, found: Iterable[Any]) -> Expansion:
    """The question with what these entries add."""
    plain = _plain(question)
    added = (_added(plain, (row.term, *row.expansions), row.forms) for row in found)
    return Expansion(question, tuple(one for one in added if one is not None))


def _plain(question: str) -> str:
    return normal(question).replace("\0", " ")


def _added(plain: str, written: Sequence[str], forms: Sequence[str]) -> Added | None:
    said = [stands(form, plain) for form in forms]
    if not any(said):
        return None
    others = (other for other, there in zip(written, said, strict=True) if not there)
    return Added(written[said.index(True)], tuple(others))


def stands(form: str, plain: str) -> bool:
    """Whether a form stands in a text as a word of its own; both as terms see them. Ideographs have no borders."""
    return any(_apart(plain, *span) for span in _spans(form, plain))


def _spans(form: str, plain: str) -> Iterator[tuple[int, int]]:
    at = plain.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = plain.find(form, at + 1)


def _apart(plain: str, start: int, end: int) -> bool:
    return not any(_JOINED.fullmatch(plain[max(at - 1, 0) : at + 1]) for at in (start, end))
