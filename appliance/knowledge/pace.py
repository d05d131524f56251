"""How fast a batch is read, and when it will be done: from the times at which its documents were done, nothing else.

The gaps between one document's end and the next are taken as draws from one distribution (a renewal process), whatever
runs at once. With n gaps of mean m and variance v, what is left, k documents, takes k m seconds, with the variance
k v (the draws to come) + k² v / n (the mean is itself measured). Where nothing has ended for longer than the mean, that
wait counts as one more gap: what stands still moves its end away.
"""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = 64
"""Gaps that are looked at, the newest: a batch's files are not alike from its beginning to its end."""
FEWEST: Final = 5
"""Gaps below which nothing is foretold."""
_EIGHT_OF_TEN: Final = statistics.NormalDist().inv_cdf(0.9)


@dataclass(frozen=True, slots=True)
class Pace:
    """Documents a minute, and the end: most likely, and from when to when it falls eight times of ten."""

    per_minute: float
    left_seconds: float
    done_at: datetime
    earliest: datetime
    latest: datetime
    measured: int
    """Documents from whose ends this is told."""


def pace(ended: Sequence[datetime], now: datetime, left: int) -> Pace | None:
    """``ended`` in any order; None while too few have ended, or all in one moment."""
    times = sorted(ended)[-WINDOW - 1 :]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    if len(gaps) < FEWEST or not any(gaps):
        return None
    waiting = (now - times[-1]).total_seconds()
    if left and waiting > statistics.fmean(gaps):
        gaps, waiting = [*gaps, waiting], 0.0
    mean, variance = statistics.fmean(gaps), statistics.variance(gaps)
    seconds = max(left * mean - max(waiting, 0.0), 0.0)
    spread = _EIGHT_OF_TEN * math.sqrt(left * variance + left**2 * variance / len(gaps))
    return Pace(
        per_minute=60 / mean,
        left_seconds=seconds,
        done_at=now + timedelta(seconds=seconds),
        earliest=now + timedelta(seconds=max(seconds - spread, 0.0)),
        latest=now + timedelta(seconds=seconds + spread),
        measured=len(times),
    )
