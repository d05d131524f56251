"""Which Chinese characters belong to which script, from OpenCC's own data; nothing is listed by hand but one exception.

The tables are made once, when first asked for (about 0.2 s: one conversion of every ideograph), and fold character by
character. A phrase conversion would make the same word different terms in different sentences, which is worse for
search than a rare wrong fold.
"""

import functools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import opencc

# Unicode blocks: CJK Unified Ideographs, Extension A, Extensions B–H; 々 and 〇 are written as ideographs too.
HAN: Final = "々〇\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_BLOCKS: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))
_LINE: Final = "\n"
_AT_ONCE: Final = 2048


def _traditional() -> opencc.OpenCC:
    """As s2t without its dictionaries of phrases, which leave 25 MiB in each process that looks at one question."""
    data = Path(opencc.__file__).parent / "clib" / "share" / "opencc"
    steps = {"normalization": "CJK_Compatibility_Ideographs", "conversion_chain": "STCharacters"}
    order = {step: [{"dict": {"type": "ocd2", "file": str(data / f"{name}.ocd2")}}] for step, name in steps.items()}
    with os.fdopen(os.memfd_create("characters"), "w", encoding="utf-8") as file:
        json.dump({"name": "characters alone", **order}, file)
        file.flush()
        return opencc.OpenCC(f"/proc/self/fd/{file.fileno()}")


def _changed(converter: opencc.OpenCC) -> Iterator[tuple[int, str]]:
    """The code point of each ideograph that it changes, and what becomes of it. So many at once, which saves 20 MiB."""
    for first, end in _BLOCKS:
        for start in range(first, end, _AT_ONCE):
            points = range(start, min(start + _AT_ONCE, end))
            converted: str = converter.convert(_LINE.join(map(chr, points)))
            for point, new in zip(points, converted.split(_LINE), strict=True):
                if new != chr(point):
                    yield point, new


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
    fold = dict(_changed(opencc.OpenCC("t2s")))
    # 后, 里 or 台 are written in both scripts: only what the other script's standard lacks tells them apart.
    only_hant = frozenset(chr(old) for old in fold if not _within(chr(old), "gb2312"))
    only_hans = frozenset(chr(old) for old, _ in _changed(_traditional()) if not _within(chr(old), "big5"))
    # OpenCC leaves 著 to its phrases (睡著 → 睡着, but 著作); for search both may be one term.
    fold[ord("著")] = "着"
    return Tables(fold, only_hans, only_hant)
