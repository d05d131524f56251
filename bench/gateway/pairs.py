"""What pairs of runs tell of a ratio, and how surely.

Runs of one server differ by a fifth where the machine's speed changes within seconds. Side by side, in an order by
chance, that meets both alike; the median does not follow the few pairs in whose middle the speed changed. The interval
says what other pairs of the same kind would have told.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DRAWS: Final = 2_000
SURE: Final = 0.95
_SEED: Final = 4


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of pairs' ratios, and between which bounds it lies with a probability of :data:`SURE`."""

    median: float
    low: float
    high: float

    def settled(self, bound: float) -> str:
        """Empty when so many pairs are enough to say on which side of a bound it is, or a word on that."""
        return f"{bound} lies within: not settled by so many pairs" if self.low < bound < self.high else ""


def ratio(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """Of pairs of ours and the other's; the bounds by the bootstrap's percentiles (Efron 1979). The same every time."""
    ratios = [ours / other for ours, other in pairs]
    dice = random.Random(_SEED)
    drawn = sorted(statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(DRAWS))
    left_out = int((1 - SURE) / 2 * DRAWS)
    return Ratio(statistics.median(ratios), drawn[left_out], drawn[-1 - left_out])


def order(count: int) -> list[bool]:
    """For each pair whether ours is first: by chance, in halves as equal as can be. The same every time."""
    first = [number % 2 == 0 for number in range(count)]
    random.Random(_SEED).shuffle(first)
    return first
