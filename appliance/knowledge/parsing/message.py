"""What crosses the pipes between us and the parser's process: frames of a length and a msgpack map.

What comes back was made by a process that read hostile bytes: every field is checked before it is believed.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

import msgpack

from appliance.knowledge.parsing.errors import FileRefused, Unreadable, refusal
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import FINE, Block, Kind, Parsed, Placed, Recognised

_LENGTH: Final = struct.Struct("!I")
_KINDS: Final = frozenset(get_args(Kind))
_MAX_WARNINGS: Final = 20


EYES: Final = "--eyes"
"""The argument by which a reader's process is told to load text recognition."""

REQUEST_LIMIT: Final = 64 * 1024
# Beside the text come the blocks; without a cap a parser gone wild would fill our memory instead of its own.
_ANSWER_PER_CHARACTER: Final = 8
_ANSWER_FLOOR: Final = 16 * 1024 * 1024


def answer_limit(limits: ParseLimits) -> int:
    """Bytes that an answer may have."""
    return _ANSWER_FLOOR + limits.text * _ANSWER_PER_CHARACTER


class BadMessage(Exception):
    """The other side said something that it should not."""


def frame(fields: dict[str, Any]) -> bytes:
    """The bytes of one message."""
    body: bytes = msgpack.packb(fields)
    return _LENGTH.pack(len(body)) + body


def receive(take: Callable[[int], bytes], limit: int) -> dict[str, Any] | None:
    """One message from ``take`` (which gives exactly n bytes, or fewer at the end); None at the end, BadMessage."""
    head = take(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > limit:
        raise BadMessage(f"{length} bytes, of at most {limit}")
    body = take(length)
    if len(body) < length:
        return None
    try:
        fields = msgpack.unpackb(body)
    except (ValueError, msgpack.UnpackException) as error:
        raise BadMessage(str(error)) from error
    if not isinstance(fields, dict):
        raise BadMessage("no map")
    return fields


def refused(error: FileRefused) -> dict[str, Any]:
    """A refusal as a message."""
    return {"code": error.code, "detail": error.detail}


def answered(parsed: Parsed) -> dict[str, Any]:
    """A document as a message."""
    blocks = [[one.kind, one.start, one.end, one.level, one.page, one.path] for one in parsed.blocks]
    return {
        "text": parsed.text,
        "blocks": blocks,
        "media_type": parsed.media_type,
        "title": parsed.title,
        "pages": parsed.pages,
        "warnings": parsed.warnings[:_MAX_WARNINGS],
        "recognised": [[one.start, one.end, one.confidence] for one in parsed.recognised],
        "placed": [[one.start, one.end, *one.spot] for one in parsed.placed],
    }


def believed(fields: dict[str, Any]) -> Parsed:
    """The document in an answer. Raises the refusal that it carries, Unreadable where the answer makes no sense."""
    if "code" in fields:
        raise refusal(str(fields["code"]), str(fields.get("detail", ""))[:500])
    try:
        text = str(fields["text"])
        blocks = tuple(_block(one, len(text)) for one in fields["blocks"])
        pages = tuple(int(one) for one in fields["pages"])
        warnings = tuple(str(one) for one in fields["warnings"][:_MAX_WARNINGS])
        sure = tuple(_recognised(one) for one in fields["recognised"])
        placed = tuple(_placed(one) for one in fields["placed"])
        kind, title = str(fields["media_type"]), str(fields["title"])[:500]
        parsed = Parsed(text, blocks, kind, title, pages, warnings, sure, placed)
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable("its answer makes no sense") from error
    if not (all(_in_order(one, len(text)) for one in (blocks, sure, placed)) and list(pages) == sorted(pages)):
        raise Unreadable("its answer makes no sense")
    return parsed


def _in_order(spans: Sequence[Block | Recognised | Placed], length: int) -> bool:
    edges = [edge for span in spans for edge in (span.start, span.end)]
    return edges == sorted(edges) and (not edges or (edges[0] >= 0 and edges[-1] <= length))


def _recognised(fields: list[Any]) -> Recognised:
    start, end, confidence = fields
    if not start < end or not 0 <= confidence <= 1:
        raise ValueError("a line that cannot be")
    return Recognised(int(start), int(end), float(confidence))


def _placed(fields: list[Any]) -> Placed:
    start, end, left, top, right, bottom = fields
    whole = isinstance(sum(fields), int)  # of whole numbers alone
    if not (whole and start < end and 0 <= left < right <= FINE and 0 <= top < bottom <= FINE):
        raise ValueError("a place that cannot be")
    return Placed(start, end, (left, top, right, bottom))


def _block(fields: list[Any], length: int) -> Block:
    kind, start, end, level, page, path = fields
    if kind not in _KINDS or not 0 <= start < end <= length or not 0 <= level <= 6:  # noqa: PLR2004 - heading levels
        raise ValueError("a block that cannot be")
    return Block(kind, int(start), int(end), int(level), None if page is None else int(page), tuple(map(str, path)))
