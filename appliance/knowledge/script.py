"""Which Chinese characters belong to which script, from OpenCC's own data; nothing is listed by hand but one exception.

The tables are made once, when first asked for (about 0.1 s: one conversion of every ideograph), and fold character by
character. A phrase conversion would make the same word different terms in different sentences, which is worse for
search than a rare wrong fold.
"""

import functools
from dataclasses import dataclass
from typing import Final

import opencc

# Unicode blocks: CJK Unified Ideographs, Extension A, Extensions B–H; 々 and 〇 are written as ideographs too.
HAN: Final = "々〇\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_BLOCKS: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))
_LINE: Final = "\n"


def _converted(characters: list[str], config: str) -> list[str]:
    converted: str = opencc.OpenCC(config).convert(_LINE.join(characters))
    return converted.split(_LINE)


def _within(character: str, charset: str) -> bool:
    """Whether the national standard of one script has this character at all."""
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Tables:
    """``fold``: for ``str.translate``, traditional → simplified; the characters that only one of the scripts has."""

    fold: dict[int, str]
    only_hans: frozenset[str]
    only_hant: frozenset[str]


@functools.cache
def tables() -> Tables:
    """Of every ideograph."""
    characters = [chr(point) for first, end in _BLOCKS for point in range(first, end)]
    simplified = _converted(characters, "t2s")
    traditional = _converted(characters, "s2t")
    fold = {ord(old): new for old, new in zip(characters, simplified, strict=True) if old != new}
    # OpenCC leaves 著 to its phrases (睡著 → 睡着, but 著作); for search both may be one term.
    fold[ord("著")] = "着"
    # 后, 里 or 台 are written in both scripts: only what the other script's standard lacks tells them apart.
    hant = (old for old, new in zip(characters, simplified, strict=True) if old != new and not _within(old, "gb2312"))
    hans = (old for old, new in zip(characters, traditional, strict=True) if old != new and not _within(old, "big5"))
    return Tables(fold, frozenset(hans), frozenset(hant))
