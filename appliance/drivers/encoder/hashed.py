"""An encoder without a model: a bag of hashed words. Same text, same vector, on every machine."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from appliance.drivers.encoder.port import About, Described

_WORD = re.compile(r"\w+")


class HashedEncoder(Described):
    """Each word adds ±1 at a place that its hash chooses; texts that share words point the same way."""

    def __init__(
        self, dimensions: int = 384, languages: frozenset[str] = frozenset({"en"}), longest: int = 254
    ) -> None:
        super().__init__(About(f"hashed-{dimensions}", dimensions, languages, longest))

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - the port's
        """Vectors of length 1; a text without words points along the first axis."""
        vectors: NDArray[np.float32] = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in self._words(text)[: self.about.longest]:
                place = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
                vector[(place >> 1) % self.dimensions] += 1.0 if place & 1 else -1.0
            if not vector.any():
                vector[0] = 1.0
        scaled: NDArray[np.float32] = vectors / np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
        return scaled

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """A word is a token."""
        return [len(self._words(text)) for text in texts]

    @staticmethod
    def _words(text: str) -> list[str]:
        return _WORD.findall(text.lower())
