"""JSON and JSON lines: one passage a record, each value behind its path, so that a value is found with its meaning.

The text is composed: ``address.city: Wien``. What holds records (a list of objects, an object of objects) makes
headings of its keys, down to three levels; below that, and within a record, keys stand in the path.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from appliance.knowledge.parsing import formats
from appliance.knowledge.parsing.errors import Damaged, TooMuchText, Truncated
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.parsed import Parsed
from appliance.knowledge.parsing.writer import Writer, flat

_HEADED: Final = 3
_SHORT: Final = 200
"""Characters of a record that is quoted as a whole."""
_TITLES: Final = ("title", "name", "subject", "标题", "名称", "標題", "名稱")


def parse(text: str, media_type: str, limits: ParseLimits) -> Parsed:
    """A JSON file as a document. Raises Truncated, Damaged, TooMuchText."""
    if len(text) > limits.text:
        raise TooMuchText(limits.text)
    writer = Writer(limits.text)
    if media_type == formats.JSONL:
        title = ""
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                _write(writer, _loaded(line, f"line {number}: "), 1)
    else:
        value = _loaded(text, "")
        title = _title(value)
        _write(writer, value, 1)
    return writer.parsed(media_type, title)


def _loaded(text: str, where: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            raise Truncated from error
        raise Damaged(f"{where}{error.msg} at character {error.pos + 1}") from error
    except ValueError as error:  # a number of more digits than Python takes
        raise Damaged(f"{where}a number that is too long") from error
    except RecursionError as error:
        raise Damaged(f"{where}nested too deep") from error


def _title(value: object) -> str:
    if isinstance(value, dict):
        return next((flat(value[key]) for key in _TITLES if isinstance(value.get(key), str)), "")
    return ""


def _write(writer: Writer, value: object, level: int) -> None:
    """One value: its scalars as a passage, what holds records below headings."""
    if isinstance(value, dict):
        held = {key: inner for key, inner in value.items() if level <= _HEADED and _holds_records(inner)}
        _passage(writer, {key: inner for key, inner in value.items() if key not in held})
        for key, inner in held.items():
            writer.add("heading", flat(str(key)), level=level)
            _write(writer, inner, level + 1)
    elif isinstance(value, list) and _holds_records(value):
        for one in value:
            _passage(writer, one)
    else:
        _passage(writer, value)


def _holds_records(value: object) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and all(isinstance(one, dict | list) for one in inner)


def _passage(writer: Writer, value: object) -> None:
    """A short record is one line, so that a value is quoted with what it is a value of."""
    lines = [line for line in _lines(value) if line]
    short = sum(map(len, lines)) <= _SHORT
    writer.add("paragraph", ("; " if short else "\n").join(lines))


def _lines(value: object) -> Iterator[str]:
    """``path: value``, with a stack of our own."""
    stack: list[tuple[str, object]] = [("", value)]
    while stack:
        path, one = stack.pop()
        if isinstance(one, dict):
            stack.extend((f"{path}.{key}" if path else str(key), inner) for key, inner in reversed(one.items()))
        elif isinstance(one, list) and any(isinstance(inner, dict | list) for inner in one):
            stack.extend((path, inner) for inner in reversed(one))
        else:
            told = ", ".join(map(_scalar, one)) if isinstance(one, list) else _scalar(one)
            if told:
                yield f"{flat(path)}: {told}" if path else told


def _scalar(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return flat(str(value))
