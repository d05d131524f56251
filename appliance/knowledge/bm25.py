"""BM25 in two halves, so that no document's stored weights depend on any other document.

Score(question, chunk) = Σ idf(t) · tf·(k1+1) / (tf + k1·(1 − b + b·dl/ref))  [Robertson & Zaragoza 2009, eq. 3.15]

The right factor is stored with the chunk. It needs the chunk's own length and a *fixed* reference length in place of
the collection's average, which every upload would move. The left factor comes with the question, from the term
statistics of the one tenant (``idf`` as Lucene has it, never negative). So what another tenant adds or deletes changes
no score here, and after a deletion the scores are exactly what they were.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.knowledge.terms import term_id, terms

K1: Final = 0.9
B: Final = 0.4
REFERENCE_LENGTH: Final = 110.0
"""Terms. Between the averages of the four sets (XQuAD-en 79, Cranfield 108, STARD 243, XQuAD-zh 380); nDCG@10 moves by
less than .006 on any of them between 90 and 160 (docs/measurements.md)."""

RARITY: Final = 1.2
"""Rare terms count for more than their IDF: at 1.2 no set loses and STARD gains (.536 → .539); above, others lose."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Parallel arrays: ascending uint32 term ids and float32 weights."""

    ids: NDArray[np.uint32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one tenant: how many chunks there are, and in how many of them each of the asked term ids occurs."""

    chunks: int
    frequencies: Mapping[int, int]

    def idf(self, term: int) -> float:
        """log(1 + (N − df + ½)/(df + ½)) to the power of ``RARITY``; 0 for a term that no chunk has."""
        frequency = self.frequencies.get(term, 0)
        if frequency <= 0:
            return 0.0
        rarity = math.log1p((max(self.chunks, frequency) - frequency + 0.5) / (frequency + 0.5))
        return math.pow(rarity, RARITY)


def _weights(pairs: Iterable[tuple[int, float]]) -> Weights:
    ordered = sorted(pairs)
    return Weights(
        np.fromiter((term for term, _ in ordered), np.uint32, len(ordered)),
        np.fromiter((value for _, value in ordered), np.float32, len(ordered)),
    )


def counted(text: str) -> dict[int, int]:
    """Term id → how often it occurs. Terms that share an id (see ``term_id``) are counted together."""
    return dict(Counter(map(term_id, terms(text))))


def document(counts: Mapping[int, int]) -> Weights:
    """The weights that are stored with a chunk whose terms were ``counted``."""
    norm = K1 * (1 - B + B * sum(counts.values()) / REFERENCE_LENGTH)
    return _weights((term, tf * (K1 + 1) / (tf + norm)) for term, tf in counts.items())


def question(counts: Mapping[int, float], statistics: Statistics) -> Weights:
    """The weights of a question; empty where none of its terms occurs in the tenant's chunks."""
    weighed = ((term, count * statistics.idf(term)) for term, count in counts.items())
    return _weights((term, weight) for term, weight in weighed if weight > 0)


def score(asked: Weights, stored: Weights) -> float:
    """The sparse dot product, as the index computes it."""
    _, left, right = np.intersect1d(asked.ids, stored.ids, assume_unique=True, return_indices=True)
    return float(np.dot(asked.values[left], stored.values[right]))
