"""Bytes become characters: a byte order mark, then UTF-8, then what the page declares, then a guess among few.

The guess looks first for the commonest characters of East Asian scripts, which tells short texts apart better than
charset-normalizer does (docs/decisions/0024-formats.md has the figures); what has none of them is left to that.
"""

import codecs
import re
from collections.abc import Callable
from typing import Final

from charset_normalizer import from_bytes

from appliance.knowledge.parsing.errors import Damaged, Truncated
from appliance.knowledge.parsing.frequent import HANGUL, KANA, SIMPLIFIED, TRADITIONAL

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# WHATWG: the first 1024 bytes may declare the encoding.
_DECLARED: Final = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_GUESSES: Final = ["gb18030", "big5", "cp1252", "shift_jis", "euc_kr", "cp1251"]
_SCRIPTS: Final = (
    ("gb18030", SIMPLIFIED),
    ("big5hkscs", TRADITIONAL),
    ("gb18030", TRADITIONAL),
    ("cp932", KANA | TRADITIONAL),
    ("euc_jp", KANA | TRADITIONAL),
    ("cp949", HANGUL),
)
_COMMON: Final = 0.3
"""The share of the commonest characters from which a guess is believed."""

_FEW: Final = 0.15
_SAMPLE: Final = 65_536
_WIDE_SAMPLE: Final = 4096
_WIDE_SHARE: Final = 0.45
_SEEN_CONTROLS: Final = frozenset("\t\n\r\f")
_WIDE_PUNCTUATION: Final = frozenset("，。、；：？！（）“”‘’《》「」『』—…　％")
# A UTF-8 sequence has at most four bytes, so at most three are left of one that was cut.
_CUT: Final = 3


def decode(content: bytes, *, declared: bool = False) -> str:
    """The characters of a text file; ``declared``: believe the encoding that an HTML page names.

    Raises Truncated where UTF-8 ends within a character, Damaged where nothing reads it.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strict(content, encoding)
    if found := wide(content):
        return _strict(content, found)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if (
            error.end == len(content)
            and len(content) - error.start <= _CUT
            and error.reason == "unexpected end of data"
            and _multibyte(content[: error.start])
        ):
            raise Truncated from error
    named = _DECLARED.search(content[:1024]) if declared else None
    if named and (read := known(content, named.group(1).decode("ascii"))) is not None:
        return read
    return _guessed(content)


def wide(content: bytes) -> str | None:
    """UTF-16 without a mark: its byte order; None for what is none, or too strange to tell."""
    sample = content[: min(_WIDE_SAMPLE, len(content) // 2 * 2)]
    if not sample or (b"\x00" not in sample and _is_utf8(sample)):
        return None
    shares = {encoding: _wide_share(sample, encoding) for encoding in ("utf-16-le", "utf-16-be")}
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] >= _WIDE_SHARE else None


def _is_utf8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _wide_share(sample: bytes, encoding: str) -> float:
    """How much of it would be usual text; 0 where it has characters that no text has."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    if any(sign < " " and sign not in _SEEN_CONTROLS for sign in text):
        return 0.0
    usual = sum(
        sign < "\x7f" or sign in _WIDE_PUNCTUATION or sign in TRADITIONAL or sign in KANA or sign in HANGUL
        for sign in text
    )
    return usual / len(text) if text else 0.0


def _multibyte(before: bytes) -> bool:
    """Whether UTF-8 was met already: what ends within its only character is rather of another encoding."""
    return not before.isascii()


def _strict(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end == len(content):
            raise Truncated from error
        raise Damaged(f"not {encoding}, which its first bytes promise") from error


def known(content: bytes, encoding: str) -> str | None:
    """In the encoding that is named, or the wider one of that family; None where it is unknown or does not fit."""
    wider = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "iso-8859-1": "cp1252", "latin1": "cp1252"}
    try:
        return content.decode(wider.get(encoding.lower(), encoding))
    except (LookupError, UnicodeError):
        return None


def _guessed(content: bytes) -> str:
    """Few candidates: with all of Python's, a short Chinese text is taken for something exotic."""
    sample = content[:_SAMPLE]
    shares = [(_share(sample, encoding, common.__contains__), encoding) for encoding, common in _SCRIPTS]
    share, encoding = max(shares, key=lambda one: one[0])
    if share < _COMMON and _is_western(sample):
        encoding = "cp1252"
    elif share < _COMMON:
        best = from_bytes(sample, cp_isolation=_GUESSES, steps=5, chunk_size=1024).best()
        if best is None:
            raise Damaged("its characters are in no encoding that is known here")
        encoding = best.encoding
    return content.decode(encoding, errors="replace")


def _is_western(sample: bytes) -> bool:
    """Few letters beyond ASCII, each of them one that Western European languages have."""
    others = [sign for sign in sample.decode("cp1252", errors="replace") if sign > "\x7f"]
    return len(others) < _FEW * len(sample) and "\ufffd" not in others


def _share(sample: bytes, encoding: str, common: Callable[[str], bool]) -> float:
    """The share of the commonest characters among those that are not ASCII; 0 where the bytes do not fit."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return 0.0
    others = [sign for sign in text if sign > "\x7f" and sign not in _WIDE_PUNCTUATION]
    return sum(map(common, others)) / len(others) if others else 0.0
