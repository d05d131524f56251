"""What reads pictures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:  # whoever reads text alone shall not pay numpy's memory
    import numpy as np
    from numpy.typing import NDArray

Picture: TypeAlias = "NDArray[np.uint8]"
"""Height × width × 3, blue first, as OpenCV has it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A piece of a line. Places are pixels from the upper left corner; ``confidence`` is from 0 to 1.

    ``turns``: by so many quarters, counterclockwise, the picture was turned for these pixels.
    """

    text: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float
    turns: int = 0


class Eye(Protocol):
    """Recognises text."""

    def read(self, picture: Picture) -> list[Seen]:
        """Every piece of text in a picture, turned upright where it lies on its side."""
        ...
