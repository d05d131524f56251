"""Examples for the API's description, composed from the schemas: what a model says of itself comes first."""

import re
from collections.abc import Mapping
from typing import Any, Final

from appliance.entry.samples import FORMATS, SAMPLES

Schema = Mapping[str, Any]
_PLAIN: Final[dict[str, object]] = {"number": 0.5, "boolean": True, "null": None}


class NoExample(LookupError):
    """A member of which nothing is known but that it is a text; the message names it."""


class Examples:
    """Composes examples; ``schemas`` are the description's components."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def of(self, schema: Schema, name: str = "", owner: str = "") -> object:
        """An example of this schema, which the member ``name`` of ``owner`` has. Raises :class:`NoExample`."""
        if "$ref" in schema:
            owner = schema["$ref"].rpartition("/")[2]
            return self.of(self._schemas[owner], name, owner)
        if {"example", "examples", "const", "enum"} & set(schema):
            return self._whole(_named(schema), schema)
        if "properties" in schema:
            owner = owner or schema.get("title", "")
            return {each: self.of(one, each, owner) for each, one in schema["properties"].items()}
        if schema.get("format") in FORMATS or "contentMediaType" in schema:
            return FORMATS[schema.get("format", "binary")]
        for known in (f"{owner}.{name}", name, *(("a name like this",) if "pattern" in str(schema) else ())):
            if known in SAMPLES and _fits(SAMPLES[known], schema):
                return SAMPLES[known]
        return self._made(schema, name, owner)

    def _made(self, schema: Schema, name: str, owner: str) -> object:
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if options:
            return None if {"type": "null"} in options else self.of(options[0], name, owner)
        if "default" in schema:
            return schema["default"]
        if schema.get("type") == "string":
            raise NoExample(f"{owner}.{name}")
        if schema.get("type") == "array":
            return [self.of(schema.get("items", {}), name, owner)]
        return self._plain(schema, owner)

    def _plain(self, schema: Schema, owner: str) -> object:
        match schema.get("type"):
            case "integer":
                return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            case "number" | "boolean" | "null" as kind:
                return _PLAIN[kind]
        return {each: self.of({}, each, owner) for each in schema.get("required", [])}

    def _whole(self, example: object, schema: Schema) -> object:
        """An example with the nulls that FastAPI left out of it."""
        schema = self._schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if isinstance(example, list):
            return [self._whole(each, schema.get("items", {})) for each in example]
        if not isinstance(example, dict):
            return example
        members = schema.get("properties", {})
        nulls = dict.fromkeys(set(members) & set(schema.get("required", [])) - set(example))
        return {**{name: self._whole(each, members.get(name, {})) for name, each in example.items()}, **nulls}


def _named(schema: Schema) -> object:
    """The value that the schema itself names."""
    if "example" in schema or "const" in schema:
        return schema.get("example", schema.get("const"))
    return (schema.get("examples") or schema["enum"])[0]


def _fits(sample: object, schema: Schema) -> bool:
    """Whether a sample of this name is of the kind that the schema asks for."""
    options = schema.get("anyOf", [schema])
    return not schema or any(
        _KINDS[type(sample)] == one.get("type", "object") and _allows(one, sample) for one in options
    )


def _allows(schema: Schema, sample: object) -> bool:
    if "enum" in schema:
        return sample in schema["enum"]
    return not (isinstance(sample, str) and "pattern" in schema and not re.search(schema["pattern"], sample))


_KINDS: Final = {str: "string", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}
