"""Points and queries that look like chunks: dense vectors in clusters, sparse vectors of a few terms."""

from collections.abc import Sequence
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from appliance.drivers.vectors.port import Point, Sparse

NAMES = UUID("00000000-0000-5000-8000-000000000001")


def named(name: object) -> UUID:
    """The same id for the same name."""
    return uuid5(NAMES, str(name))


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows scaled to length one."""
    scaled: NDArray[np.floating] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled.astype(np.float32)


def sparse(weights: dict[int, float]) -> Sparse:
    """A sparse vector from {term: weight}."""
    terms = sorted(weights)
    return Sparse(np.array(terms, np.uint32), np.array([weights[term] for term in terms], np.float32))


class Corpus:
    """A seeded source of vectors around common centres. ``vocabulary`` gives the term ids, the commonest first."""

    def __init__(
        self,
        dimensions: int,
        *,
        centres: int = 20,
        terms: int = 500,
        seed: int = 7,
        vocabulary: NDArray[np.uint32] | None = None,
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.vocabulary = np.arange(1, terms + 1, dtype=np.uint32) if vocabulary is None else vocabulary
        self._centres = self.random.normal(size=(centres, dimensions))

    def dense(self, count: int) -> NDArray[np.float32]:
        """``count`` unit vectors (count, dimensions)."""
        centres = self._centres[self.random.integers(0, len(self._centres), count)]
        return unit(centres + 0.5 * self.random.normal(size=centres.shape))

    def ranks(self, size: int) -> NDArray[np.intp]:
        """Places in the vocabulary, with repeats; the r-th commonest is drawn 1/r times as often (Zipf)."""
        drawn: NDArray[np.intp] = np.power(len(self.vocabulary), self.random.uniform(size=size)).astype(np.intp) - 1
        return drawn

    def sparse(self, size: int = 12) -> Sparse:
        """Up to ``size`` terms with weights in [0.1, 1)."""
        drawn = np.unique(self.vocabulary[self.ranks(size)])
        return Sparse(drawn, self.random.uniform(0.1, 1, len(drawn)).astype(np.float32))

    def points(
        self, count: int, tenant: UUID, *, readers: Sequence[str] = ("everyone",), collection: str = "c", start: int = 0
    ) -> list[Point]:
        """Points of one tenant, ten to a document."""
        vectors = self.dense(count)
        return [
            Point(
                id=named(f"{tenant}-{start + number}"),
                tenant=tenant,
                collection=named(collection),
                document=named(f"{tenant}-document-{(start + number) // 10}"),
                revision=named(f"{tenant}-revision-{(start + number) // 10}"),
                readers=tuple(readers),
                dense=vectors[number],
                sparse=self.sparse(),
            )
            for number in range(count)
        ]
