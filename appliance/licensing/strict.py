"""Reading signed JSON without leniency: what two parsers could read differently is refused by name.

A signed file is canonical JSON to the byte (``kit.canonical``), one newline after it allowed. So there is one file for
one content, and a byte changed anywhere is a file that is refused.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.kit.canonical import canonical
from appliance.licensing.errors import FileTooLarge, Malformed, Tampered

LARGEST = 64 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_MOMENT_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)

Members = Mapping[str, Any]


def document(raw: bytes) -> Members:
    """The JSON object in ``raw``. Raises :class:`FileTooLarge`, :class:`Malformed`, :class:`Tampered`."""
    if len(raw) > LARGEST:
        raise FileTooLarge(f"the file has {len(raw)} bytes, {LARGEST} are the most")
    try:
        found = json.loads(
            raw.decode(), object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float, parse_int=_whole
        )
        same = isinstance(found, dict) and canonical(found) == raw.removesuffix(b"\n")
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"the file cannot be read: {_why(error)}") from error
    if not isinstance(found, dict):
        raise Malformed("the file is no JSON object")
    if not same:
        raise Tampered("the file is not written as the vendor's tool writes it")
    return found


def members(value: object, where: str, names: frozenset[str]) -> Members:
    """An object with exactly these members."""
    if not isinstance(value, dict):
        raise Malformed(f"{where} is no object")
    if unknown := sorted(set(value) - names):
        raise Malformed(f"{where} has the unknown member '{unknown[0][:40]}'")
    if missing := sorted(names - set(value)):
        raise Malformed(f"{where} lacks the member '{missing[0]}'")
    return value


def items(value: object, where: str, most: int) -> list[Any]:
    """A list of at most so many."""
    if not isinstance(value, list):
        raise Malformed(f"{where} is no list")
    if len(value) > most:
        raise Malformed(f"{where} has {len(value)} items, {most} are the most")
    return value


def text(value: object, where: str, most: int = 200) -> str:
    """A text of 1 to ``most`` printable characters."""
    if not isinstance(value, str) or not 1 <= len(value) <= most or not value.isprintable():
        raise Malformed(f"{where} is no text of 1 to {most} printable characters")
    return value


def number(value: object, where: str, most: int) -> int:
    """A whole number from 0 to ``most``."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Malformed(f"{where} is no whole number from 0 to {most}")
    return value


def names(value: object, where: str, most: int, one: Callable[[object, str], str] = text) -> tuple[str, ...]:
    """Texts in order, each once."""
    found = tuple(one(item, where) for item in items(value, where, most))
    if list(found) != sorted(set(found)):
        raise Malformed(f"{where} is not in order, each once")
    return found


def identity(value: object, where: str) -> str:
    """A UUID in its usual form."""
    try:
        if isinstance(value, str) and str(UUID(value)) == value:
            return value
    except ValueError:
        pass
    raise Malformed(f"{where} is no UUID")


def digest(value: object, where: str) -> str:
    """A SHA-256 in lower hex."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise Malformed(f"{where} is no SHA-256 in hex")
    return value


def seconds(value: object, where: str) -> int:
    """Seconds since 1970 of a time written ``2026-11-24T00:00:00Z``."""
    if isinstance(value, str) and _MOMENT_FORM.fullmatch(value):
        try:
            return int(datetime.strptime(value, _MOMENT).replace(tzinfo=UTC).timestamp())
        except ValueError:
            pass
    raise Malformed(f"{where} is no time such as 2026-11-24T00:00:00Z")


def moment(at: int) -> str:
    """The inverse of :func:`seconds`."""
    return (_EPOCH + timedelta(seconds=at)).strftime(_MOMENT)


def octets(value: object, where: str, length: int) -> bytes:
    """Bytes in base64: the one text that stands for them, since base64 has several."""
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != length or base64.b64encode(found).decode() != value:
        raise Malformed(f"{where} is not {length} bytes in base64")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"'{name[:40]}' stands in it twice")
        found[name] = value
    return found


def _no_float(written: str) -> object:
    raise ValueError(f"{written[:20]} is no whole number")


def _whole(written: str) -> int:
    if len(written) > len("-9007199254740991"):
        raise ValueError("a number is too large")
    return int(written)


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
        return "it is not UTF-8"
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error)
