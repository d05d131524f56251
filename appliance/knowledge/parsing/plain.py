"""Plain text: paragraphs between blank lines. The normal text is the file itself, so lines are the file's lines."""

import re
from typing import Final

from appliance.knowledge.parsing.errors import NoText, TooMuchText
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Block, Parsed
from appliance.knowledge.parsing.writer import clean

_BLANK: Final = re.compile(r"\n[^\S\n]*(?:\n\s*)+")


def checked(text: str, limits: ParseLimits) -> str:
    """The cleaned text of a file; TooMuchText beyond the limit, NoText where nothing is visible."""
    if len(text) > limits.text:
        raise TooMuchText(limits.text)
    body = clean(text)
    if not body.strip():
        raise NoText
    return body


def paragraphs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """(start, end) of each run between blank lines within ``text[start:end]``, without white space at its ends."""
    found: list[tuple[int, int]] = []
    begin = start
    for gap in [*(match.span() for match in _BLANK.finditer(text, start, end)), (end, end)]:
        body = text[begin : gap[0]]
        left = begin + len(body) - len(body.lstrip())
        right = gap[0] - (len(body) - len(body.rstrip()))
        if right > left:
            found.append((left, right))
        begin = gap[1]
    return found


def parse(text: str, limits: ParseLimits) -> Parsed:
    """A text file as a document without headings."""
    body = checked(text, limits)
    blocks = tuple(Block("paragraph", start, end) for start, end in paragraphs(body, 0, len(body)))
    return Parsed(body, blocks, "text/plain")
