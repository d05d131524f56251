"""JSON schemas from callers, for an answer's form or a tool's arguments: bounded before an engine compiles them."""

import json
from typing import Any

from appliance.serving.errors import FieldRefused

_DEEPEST = 16
_LONGEST_SCHEMA = 64 * 1024
_REFUSED = {"pattern", "patternProperties", "format"}
"""Compiled into an automaton by the engine before the first token: a short one can take it minutes."""
_RANGES = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties"))
"""An engine fails on one that is below nothing, or empty, only when it compiles it: that looks like an engine down."""
_COUNTS = {name for names in _RANGES for name in names}
_LARGEST_COUNT = 1024
"""Each is unrolled into so many states: ten characters of schema can take an engine's memory."""
_TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
"""A type that is none of these has ended an engine's process (SECURITY.md, row 22)."""

_Level = list[tuple[Any, bool]]


def check(schema: dict[str, Any] | None, where: str) -> None:
    """Raise :class:`FieldRefused`, naming the place, for a schema that an engine should not be given."""
    if len(json.dumps(schema)) > _LONGEST_SCHEMA:
        raise FieldRefused(f"{where}: it is longer than {_LONGEST_SCHEMA} characters", field=where)
    level: _Level = [(schema, False)]
    for _ in range(_DEEPEST):
        _check_level([value for value, names in level if isinstance(value, dict) and not names], where)
        level = [inner for value, names in level for inner in _inner(value, names=names)]
    if level:
        raise FieldRefused(f"{where}: it is nested more than {_DEEPEST} deep", field=where)


def _check_level(objects: list[dict[str, Any]], where: str) -> None:
    for found in objects:
        if refused := found.keys() & _REFUSED:
            raise FieldRefused(f"{where}: {min(refused)} is not accepted in a schema", field=where)
        if not all(_is_count(found[key]) for key in _COUNTS & found.keys()):
            raise FieldRefused(f"{where}: a length or a number of items is at most {_LARGEST_COUNT}", field=where)
        if empty := [least for least, most in _RANGES if found.get(least, 0) > found.get(most, _LARGEST_COUNT)]:
            raise FieldRefused(f"{where}: {empty[0]} is more than may be", field=where)
        if "type" in found and not _is_type(found["type"]):
            raise FieldRefused(f"{where}: {str(found['type'])[:40]!r} is no type of JSON schema", field=where)
        if "$ref" in found and not str(found["$ref"]).startswith("#"):
            raise FieldRefused(f"{where}: a $ref may only point into the schema itself", field=where)


def _is_count(told: object) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= _LARGEST_COUNT


def _is_type(told: object) -> bool:
    several = told if isinstance(told, list) else [told]
    return bool(several) and all(isinstance(one, str) and one in _TYPES for one in several)


_OF_NAMES = {"properties", "$defs", "definitions", "dependentSchemas"}
"""What lies below these is a table whose keys are names, not keywords."""


def _inner(value: Any, *, names: bool) -> _Level:  # noqa: ANN401 - any JSON
    """What lies one level deeper, and whether it is a table of names."""
    if isinstance(value, dict):
        return [(inner, key in _OF_NAMES and not names) for key, inner in value.items()]
    return [(inner, False) for inner in value] if isinstance(value, list) else []
