"""Where sentences begin and end, in English and Chinese: chunking cuts long paragraphs here, attribution aligns so."""

import re
from collections.abc import Iterator
from typing import Final

# After which "." does not end a sentence. Single capitals (J. Smith) and digits (3.14, No. 5) are seen by the pattern.
_ABBREVIATIONS: Final = frozenset(
    """mr mrs ms dr prof sr jr st no nos vs etc e.g i.e fig figs eq inc ltd co corp approx dept est min max sec art
    """.split()  # noqa: SIM905 - a list would be 26 lines
)
# A CJK stop ends a sentence wherever it stands; a Latin one only before white space. Closing quotes and brackets
# belong to the sentence that they close. A blank line always ends one.
_END: Final = re.compile(
    r"(?P<cjk>[。！？；…]+[」』”’）)\]】》\"']*)|(?P<latin>[.!?]+[\"'”’)\]]*)(?=\s|$)|(?P<blank>[^\S\n]*\n[^\S\n]*(?:\n\s*)+)"
)
_LAST_WORD: Final = re.compile(r"([\w.]+)\.[\"'”’)\]]*$")


def spans(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence of ``text[start:end]`` in code points, white space at both ends left out."""
    stop = len(text) if end is None else end
    begin = start
    for match in _END.finditer(text, start, stop):
        if match.lastgroup == "latin" and _abbreviated(text[begin : match.end()]):
            continue
        yield from _trimmed(text, begin, match.end())
        begin = match.end()
    yield from _trimmed(text, begin, stop)


def _abbreviated(sentence: str) -> bool:
    word = _LAST_WORD.search(sentence[-24:])
    if word is None:
        return False
    last = word.group(1)
    return last.lower() in _ABBREVIATIONS or (len(last) == 1 and last.isalpha() and last.isupper() and last != "I")


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    body = text[start:end]
    left = start + len(body) - len(body.lstrip())
    right = end - (len(body) - len(body.rstrip()))
    if right > left:
        yield left, right
