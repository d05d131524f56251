"""What the appliance asks of an embedding model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from appliance.kit import errors


class EncoderNotReady(errors.Unavailable):
    """The encoder is loading or down."""

    code = "encoder_not_ready"
    advice = "Search goes on by words alone; the encoder needs about 20 seconds after a start."


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an encoder without loading it.

    ``name`` holds the digest, so that vectors of two versions are never mixed up. ``longest`` is the number of tokens
    that are read of a text, special tokens not counted; what lies beyond is not seen.
    """

    name: str
    dimensions: int
    languages: frozenset[str]
    longest: int


class Encoder(Protocol):
    """Turns texts into vectors."""

    @property
    def about(self) -> About:
        """All of the properties below at once, and the longest text."""
        ...

    @property
    def name(self) -> str:
        """Which weights these are."""
        ...

    @property
    def dimensions(self) -> int:
        """The width of a vector."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """BCP-47 tags that the model covers; in any other it has no vote."""
        ...

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:
        """Vectors of shape ``(len(texts), dimensions)``, each of length 1. Urgent texts go before all others.

        Raises :class:`EncoderNotReady` (503).
        """
        ...

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many of the model's tokens each whole text has, special tokens not counted, nothing cut off.

        Raises :class:`EncoderNotReady` (503).
        """
        ...


class Described:
    """The properties of an encoder, from its :class:`About`."""

    def __init__(self, about: About) -> None:
        self.about = about

    @property
    def name(self) -> str:
        """Which weights these are."""
        return self.about.name

    @property
    def dimensions(self) -> int:
        """The width of a vector."""
        return self.about.dimensions

    @property
    def languages(self) -> frozenset[str]:
        """BCP-47 tags that the model covers."""
        return self.about.languages
