"""Two rankings become one, in which only those vote who understand the question.

An encoder that does not cover the question's language ranks by accident, and half the votes by accident are worse than
no second opinion: equal-weight fusion with an English encoder took Chinese nDCG@10 from .967 to .608.

Among those that do vote, scores are added as shares of the leg's best one (Bruch, Gai and Ingber 2023 show why a convex
combination of scores beats reciprocal ranks; docs/decisions/0021-fusion.md has our figures: XQuAD-en R@10 .9966 with
RRF at k = 60, .9992 so; Cranfield nDCG@10 .448 and .449). Both legs are sums of products with a natural zero, so no
minimum of the list is needed and a deeper list changes nothing.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

DEPTH: Final = 100
"""How many of each leg are read; 50 to 200 give the same first ten (measured)."""

DENSE_WEIGHT: Final = 1.5
"""Against 1 for the sparse leg. The middle of the flat part: from 1.25 to 2 no figure of either set moves by .01."""

Id = TypeVar("Id", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Leg(Generic[Id]):
    """One ranking with its scores, best first; 0 is the score of what has nothing in common with the question."""

    name: str
    ranked: Sequence[tuple[Id, float]]
    weight: float = 1.0


class Place(NamedTuple):
    """Where one leg put a result; ``rank`` counts from 1."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Fused(Generic[Id]):
    """One result, with its place in each leg that found it."""

    id: Id
    score: float
    places: dict[str, Place] = field(default_factory=dict)


def covers(languages: Collection[str], language: str) -> bool:
    """Whether an encoder of these BCP-47 ``languages`` understands one: ``zh`` covers ``zh-Hant``, ``*`` covers all."""
    return "*" in languages or language in languages or language.split("-", maxsplit=1)[0] in languages


def fuse(legs: Iterable[Leg[Id]]) -> list[Fused[Id]]:
    """The union of the legs, best first; a leg of weight 0 has no vote and adds no result.

    Ties are broken by the place in the first leg given, then in the second, so the same legs give the same answer.
    """
    numbers: dict[Id, int] = {}  # an id is looked up once a leg: the hash of a UUID is most of the work
    places: list[dict[str, Place]] = []
    shares: list[float] = []
    for leg in legs:
        if leg.weight <= 0 or not leg.ranked:
            continue
        best = leg.ranked[0][1]
        for rank, (one, score) in enumerate(leg.ranked, start=1):
            number = numbers.setdefault(one, len(places))
            if number == len(places):
                places.append({})
                shares.append(0.0)
            if leg.name not in places[number]:
                places[number][leg.name] = Place(rank, score)
                shares[number] += _share(leg.weight, score, best)
    results = [Fused(one, shares[number], places[number]) for one, number in numbers.items()]
    results.sort(key=lambda one: -one.score)  # stable: what is equal stays in the order in which the legs named it
    return results


def _share(weight: float, score: float, best: float) -> float:
    """The part of its leg's vote that a result gets: its score as a share of the best.

    Nothing, where not even the best has anything in common with the question.
    """
    return weight * max(score, 0.0) / best if best > 0 else 0.0


def hybrid(
    sparse: Sequence[tuple[Id, float]], dense: Sequence[tuple[Id, float]], *, dense_votes: bool
) -> list[Fused[Id]]:
    """Fusion as search uses it: the sparse leg always votes, the dense leg if its encoder ``covers`` the question."""
    return fuse((Leg("sparse", sparse), Leg("dense", dense, DENSE_WEIGHT if dense_votes else 0.0)))
