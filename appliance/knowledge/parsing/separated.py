"""CSV and TSV: each record one row below the header. The text is composed: a quoted cell may hold lines of its own."""

import csv
import io
import re
from collections import Counter
from itertools import islice
from typing import Final

from appliance.knowledge.parsing import formats, grid
from appliance.knowledge.parsing.errors import Damaged, TooMuchText, Truncated
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer, clean

_DELIMITERS: Final = ",;\t|"
_SAMPLED: Final = 200
_SAMPLE: Final = 65_536
_SAID: Final = re.compile(r"sep=(.)\n")
"""How Excel writes which delimiter follows."""


def parse(text: str, media_type: str, limits: ParseLimits) -> Parsed:
    """A table as a document. Raises Truncated where a quote is not closed, Damaged, TooMuchText."""
    if len(text) > limits.text:
        raise TooMuchText(limits.text)
    csv.field_size_limit(limits.text)
    body = clean(text)
    said = _SAID.match(body)
    if said:
        body, delimiter = body[said.end() :], said.group(1)
    else:
        delimiter = "\t" if media_type == formats.TSV else _delimiter(body)
    writer = Writer(limits.text)
    grid.write(writer, _records(body, delimiter))
    return writer.parsed(media_type)


def _records(text: str, delimiter: str) -> list[list[str]]:
    """Strictly, so that a quote without an end is seen; leniently where text follows a closing quote."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise Truncated from error
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Damaged(error) from error


def _delimiter(text: str) -> str:
    """The one by which most records have the same number of cells, and more than one."""
    return max(_DELIMITERS, key=lambda one: _agreement(text[:_SAMPLE], one))


def _agreement(sample: str, delimiter: str) -> tuple[int, int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    widths = Counter(len(record) for record in islice(reader, _SAMPLED) if len(record) > 1)
    width, times = max(widths.items(), key=lambda one: one[1], default=(0, 0))
    return times, width
