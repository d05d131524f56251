"""Whether two texts deny the same things.

A denial is a negation with what it reaches: the rest of its clause. Two texts agree when each denial of the one is met
by one of the other; where it is not, neither may say plainly what the other denies. So "a card slip is not a receipt"
may leave out the rest of its source, and "interns may apply" is not supported by "employees may apply, interns may not
apply".
"""

import functools
import re
from dataclasses import dataclass
from typing import Final

from appliance.chat.facts import plain, unbounded
from appliance.knowledge.terms import terms

NOT: Final = re.compile(
    r"\b(?:not|no|never|cannot|nobody|nothing|none|neither|nor|without|no one)\b|n['’]t\b"
    r"|(?:不(?!同|良|断|仅|论|管|过|锈)|没|无(?!论)|未(?!来)|勿|禁止?|莫)(?:得|能|可以?|允许|准|必|用(?!于)|要|须|需要?|应|予|给予|有)?"
)
_CLAUSE: Final = re.compile(r"[,，;；:：。.!?！？|\n](?!\d)|\bbut\b|\bexcept\b")
_WEAK: Final = frozenset([*"的之于在者时为是要须应得和与及或而且也都就把将被由从自到上下内中后前以其该可", "可以"])
MOSTLY: Final = 0.6
"""What says so much of what a denial reaches, and does not deny it, says the contrary."""
_HAN: Final = re.compile(r"[\u3400-\u9fff]{1,2}")
_MODAL: Final = re.compile(r"\b(?:be|may|must|can|need|to|any|been|have|has|it|yet)\b")


@dataclass(frozen=True, slots=True)
class Denial:
    """What a negation reaches: ``first`` of it comes right behind, ``reach`` is the rest of its clause.

    ``clause``: all terms of the clause in which it stands.
    """

    first: frozenset[str]
    reach: frozenset[str]
    clause: frozenset[str]


@dataclass(frozen=True, slots=True)
class Denied:
    """The denials of a text, and clause by clause the terms that stand outside of them."""

    denials: tuple[Denial, ...]
    plainly: tuple[frozenset[str], ...]

    @property
    def terms(self) -> frozenset[str]:
        """All that is not denied."""
        return frozenset().union(*self.plainly)


@functools.lru_cache(maxsize=4096)
def denied(text: str) -> Denied:
    """What ``text`` denies."""
    found: list[Denial] = []
    outside: list[frozenset[str]] = []
    for clause in _CLAUSE.split(unbounded(plain(text))):
        before, *parts = NOT.split(clause)
        outside.append(_content(before))
        whole = _content(" ".join((before, *parts)))
        found.extend(Denial(_first(part), _content(part), whole) for part in parts)
    return Denied(tuple(found), tuple(outside))


def negative(text: str) -> bool:
    """Whether ``text`` denies or forbids something."""
    return bool(denied(text).denials)


def agree(said: str, source: str, *, under_denial: bool = False) -> bool:
    """Whether ``said`` denies what ``source`` denies, and nothing else.

    ``under_denial``: the source is an item of a list whose heading denies ("what the warranty does not cover").
    """
    ours, theirs = denied(said), denied(source)
    if under_denial and not theirs.denials:
        return bool(ours.denials)
    left = list(theirs.denials)
    for denial in ours.denials:
        met = next((other for other in left if denial.reach & other.reach), None)
        if met is None and (denial.first & theirs.terms or not left):
            return False
        left.remove(met or left[0])
    return not any(_says(ours.terms, other, theirs) for other in left)


def _says(plainly: frozenset[str], denial: Denial, source: Denied) -> bool:
    """Whether what ``denial`` denies is said plainly, and not because another clause of its source says so."""
    if len(plainly & denial.reach) > MOSTLY * len(plainly):
        return True
    if not denial.first & plainly:
        return False
    others = [clause for clause in source.plainly if denial.first & clause]
    return len(plainly & denial.clause) >= max((len(plainly & clause) for clause in others), default=0)


def _content(text: str) -> frozenset[str]:
    """The terms of ``text`` that mean something alone."""
    return frozenset(term for term in terms(_MODAL.sub(" ", text)) if term not in _WEAK)


def _first(text: str) -> frozenset[str]:
    """The first word behind a negation; of Chinese its first two ideographs."""
    bare = _MODAL.sub(" ", text).strip().lstrip("".join(sorted(_WEAK)))
    han = _HAN.match(bare)
    if han:
        return frozenset((han.group(),))
    return frozenset([term for term in terms(bare) if term not in _WEAK][:1])
