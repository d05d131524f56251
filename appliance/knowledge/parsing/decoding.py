"""Bytes become characters: a byte order mark, then UTF-8, then what the page declares, then a guess among few."""

import codecs
import re
from typing import Final

from charset_normalizer import from_bytes

from appliance.knowledge.parsing.errors import Damaged, Truncated

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
_SAMPLE: Final = 65_536
# A UTF-8 sequence has at most four bytes, so at most three are left of one that was cut.
_CUT: Final = 3


def decode(content: bytes, *, declared: bool = False) -> str:
    """The characters of a text file; ``declared``: believe the encoding that an HTML page names.

    Raises Truncated where UTF-8 ends within a character, Damaged where nothing reads it.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strict(content, encoding)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if (
            error.end == len(content)
            and len(content) - error.start <= _CUT
            and error.reason == "unexpected end of data"
        ):
            raise Truncated from error
    named = _DECLARED.search(content[:1024]) if declared else None
    if named and (read := _named(content, named.group(1).decode("ascii"))) is not None:
        return read
    return _guessed(content)


def _strict(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end == len(content):
            raise Truncated from error
        raise Damaged(f"not {encoding}, which its first bytes promise") from error


def _named(content: bytes, encoding: str) -> str | None:
    wider = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "latin1": "cp1252"}
    try:
        return content.decode(wider.get(encoding.lower(), encoding))
    except (LookupError, UnicodeDecodeError):
        return None


def _guessed(content: bytes) -> str:
    """Few candidates: with all of Python's, a short Chinese text is taken for something exotic."""
    best = from_bytes(content[:_SAMPLE], cp_isolation=_GUESSES, steps=5, chunk_size=1024).best()
    if best is None:
        raise Damaged("its characters are in no encoding that is known here")
    return content.decode(best.encoding, errors="replace")
