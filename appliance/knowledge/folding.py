"""Passages that say the same, told from passages that only look alike. Pure.

Two texts are near duplicates when most of their shingles are the same and no number and no negation is different: last
year's policy with 25 days beside this year's with 27 is a contradiction, which a reader must see.
Of the shingles a fixed sample is compared (Manber 1994): the same shingle is in both samples or in neither.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from appliance.knowledge.passages import Passage
from appliance.knowledge.terms import normal
from appliance.knowledge.wish import Fold

SHINGLE: Final = 8
"""Letters and digits in a row."""
EVERY: Final = 4
"""One shingle in so many is compared, by the high bits of its hash."""
ALIKE: Final = 0.85
"""The share of all shingles of both that both have."""

_POWERS: Final = np.uint64(0x9E3779B97F4A7C15) ** np.arange(1, SHINGLE + 1, dtype=np.uint64)
_LIMIT: Final = np.uint64(2**64 // EVERY)
_BLANK: Final = re.compile(r"[\W_]+")
_TELLING: Final = re.compile(
    r"[0-9]+(?:[.,:/-][0-9]+)*|[零一二三四五六七八九十百千万亿两半]|[不没无未非勿免禁]"
    r"|\b(?:not?|never|none|neither|nor|without|except|unless|only|must|may|cannot|\w+n['’]t)\b"
)


@dataclass(frozen=True, slots=True)
class Print:
    """What of a text is compared: its letters and digits, and of these the sampled shingles; numbers and negations."""

    bare: str
    shingles: frozenset[int]
    telling: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Print":
        """The fingerprint of a text. Width, case, script, punctuation and white space do not count."""
        plain = normal(text)
        bare = _BLANK.sub("", plain)
        return cls(bare, _sampled(bare), tuple(_TELLING.findall(plain)))

    def like(self, other: "Print") -> bool:
        """Whether both say the same, as far as can be told without understanding them."""
        if self.telling != other.telling:
            return False
        both = len(self.shingles | other.shingles)
        return self.bare == other.bare or (both > 0 and len(self.shingles & other.shingles) >= ALIKE * both)


def _sampled(bare: str) -> frozenset[int]:
    letters = np.frombuffer(bare.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(letters) < SHINGLE:
        return frozenset()
    hashes = np.lib.stride_tricks.sliding_window_view(letters, SHINGLE) @ _POWERS  # modulo 2**64
    return frozenset(hashes[hashes < _LIMIT].tolist())


class Folding:
    """Takes passages in best first; each that says the same as one before is put under that one."""

    def __init__(self, how: Fold) -> None:
        self._how = how
        self._prints: list[Print] = []
        self._under: list[list[Passage]] = []
        self._shown: list[Passage] = []

    def __len__(self) -> int:
        """How many are shown."""
        return len(self._shown)

    def add(self, passage: Passage) -> None:
        """The next one."""
        if self._how != "none":
            mine = Print.of(passage.text)
            for known, under in zip(self._prints, self._under, strict=True):
                if known.bare == mine.bare or (self._how == "alike" and known.like(mine)):
                    under.append(passage)
                    return
            self._prints.append(mine)
        self._under.append([])
        self._shown.append(passage)

    def passages(self) -> list[Passage]:
        """What is shown, each with what stands under it."""
        return [
            replace(one, same=tuple(under)) if under else one
            for one, under in zip(self._shown, self._under, strict=True)
        ]
