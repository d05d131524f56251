"""The language of a text, told by its script: ``en``, ``zh-Hans``, ``zh-Hant`` or ``und`` (BCP-47).

Fusion needs to know whether an encoder covers the language of a question, and chat whether a model speaks it. Script is
enough for that, is exact on short questions where statistical detectors are not, and costs nothing.
"""

import re
import unicodedata
from typing import Final, Literal

from appliance.knowledge.script import HAN, tables

Language = Literal["en", "zh-Hans", "zh-Hant", "und"]

_HAN: Final = re.compile(f"[{HAN}]")
# Kana, Hangul, Greek, Cyrillic, Armenian, Hebrew, Arabic, Indic, Thai …: every other letter that is not Latin.
_OTHER: Final = re.compile(r"[Ͱ-῿぀-ヿ㄰-㆏가-힣]")
_WORD: Final = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_ACCENTED: Final = re.compile(r"[\u00c0-\u024f]")

# One English word carries about as much as 1.25 ideographs of a mixed question: 「OpenAI API 的 Key 怎么配置」 is
# Chinese, "What is the meaning of 道 in the Tao Te Ching?" is English.
_HAN_PER_WORD: Final = 0.8
# English borrows accents (café, Zürich), but a language that uses them puts one in every tenth word or more.
_ACCENTED_WORDS: Final = 0.1
# A long document is told by its beginning and its middle.
_SAMPLE: Final = 4000


def detect(text: str) -> Language:
    """The language of ``text``; ``und`` where it is neither English nor Chinese, or has no letters."""
    sample = unicodedata.normalize("NFKC", _sampled(text))
    words = _WORD.findall(sample)
    han = _HAN.findall(sample)
    other = len(_OTHER.findall(sample))
    if other and other * 4 > len(han) + len(words):  # kana or Hangul beside ideographs, or a script of its own
        return "und"
    if han and len(han) >= _HAN_PER_WORD * len(words):
        return _chinese(han)
    accented = sum(1 for word in words if _ACCENTED.search(word))
    if not words or accented > max(2, _ACCENTED_WORDS * len(words)):
        return "und"
    return "en"


def _sampled(text: str) -> str:
    if len(text) <= 2 * _SAMPLE:
        return text
    middle = len(text) // 2
    return text[:_SAMPLE] + " " + text[middle : middle + _SAMPLE]


def _chinese(han: list[str]) -> Language:
    """Simplified unless more characters can only be traditional: 「如何申请」 against 「如何申請」."""
    known = tables()
    hant = sum(1 for character in han if character in known.only_hant)
    hans = sum(1 for character in han if character in known.only_hans)
    return "zh-Hant" if hant > hans else "zh-Hans"
