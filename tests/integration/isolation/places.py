"""Every place of the API where an id goes, from its own description: path, query, and anywhere in a body.

What an id is of is read from its name: ``document_id`` and ``documents`` are of the table ``documents``. A name that
tells no table is a failure of ``tests/rules/test_places.py``, so a new route cannot go unnoticed.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.entry.examples import Examples
from appliance.entry.web import describe
from migrations.policies import RULES

DESCRIPTION = describe().openapi()
SCHEMAS: Mapping[str, Any] = DESCRIPTION["components"]["schemas"]
ALIASES = {
    "actor": "users",
    "appliance": "",
    "base": "model_versions",
    "batch": "batches",
    "batche": "batches",
    "entry": "",
    "export": "tenant_exports",
    "fallback": "deployments",
    "key": "api_keys",
    "model": "model_versions",
    "name": "",  # of a type or schema of SCIM: the same for all
    "of_tenant": "",  # at whose provider somebody not yet known asks to sign in
    "subject": "users",
    "session": "user_sessions",
}
"""Names that are not their table's without the s; empty: an id of something that is no row."""

Schema = Mapping[str, Any]
Pointer = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an operation. ``pointer``: where in the body; for path, query and header the name alone."""

    verb: str
    path: str
    where: str
    pointer: Pointer
    table: str | None

    def __str__(self) -> str:
        """Its name in a report."""
        return f"{self.verb} {self.path} {self.where} {'.'.join(map(str, self.pointer))}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation with its places and an example of its body. ``media``: the body's type, empty for none."""

    verb: str
    path: str
    told: Mapping[str, Any]
    places: tuple[Place, ...]
    media: str
    body: Any

    def __str__(self) -> str:
        """Its name in a report."""
        return f"{self.verb} {self.path}"

    def takes(self, parameter: str) -> bool:
        """Whether it has a query or header parameter of this name."""
        return any(each["name"].lower() == parameter for each in self.told.get("parameters", []))

    @property
    def needed(self) -> dict[str, str]:
        """Examples of the parts of a query that nobody may leave out and that are no ids."""
        ids = {str(place.pointer[0]) for place in self.places if place.where == "query"}
        asked = [each for each in self.told.get("parameters", []) if each["in"] == "query" and each["required"]]
        return {each["name"]: str(each["example"]) for each in asked if each["name"] not in ids}

    def needs(self, parameter: str) -> bool:
        """Whether it answers nobody who leaves this parameter out."""
        return any(each["name"] == parameter and each["required"] for each in self.told.get("parameters", []))


def table_of(name: str, path: str = "") -> str | None:
    """The table that a name speaks of; empty for none that has rows of tenants, None when that cannot be told."""
    if name in ("id", "name"):
        name = path.partition(f"/{{{name}}}")[0].rpartition("/")[2].lower()
    stem = re.sub(r"^scim_|_(ids?|name)$", "", name).removesuffix("s")
    table = ALIASES.get(stem, f"{stem}s")
    if table in RULES:
        return table if RULES[table].tenant_column else ""
    return "" if table == "" else None


def _resolved(schema: Schema) -> Schema:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _is_id(schema: Schema, name: str) -> bool:
    if schema.get("format") == "uuid":
        return True
    named = name in RULES or name.endswith(("_id", "_ids"))  # a bare "key" or "name" may be anything
    return schema.get("type") == "string" and "enum" not in schema and named and bool(table_of(name))


def leaves(schema: Schema, name: str, pointer: Pointer = ()) -> Iterator[tuple[Pointer, str]]:
    """Where ids stand in what follows this schema, with their names."""
    schema = _resolved(schema)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from leaves(option, name, pointer)
    if _is_id(schema, name):
        yield pointer, name
    for each, one in schema.get("properties", {}).items():
        yield from leaves(one, each, (*pointer, each))
    if "items" in schema:
        yield from leaves(schema["items"], name, (*pointer, 0))


def _operation(verb: str, path: str, told: Mapping[str, Any]) -> Operation:
    places = []
    for parameter in told.get("parameters", []):
        name, where = parameter["name"], parameter["in"]
        found = [name] if where == "path" else [each for _, each in leaves(parameter["schema"], name)]
        places += [Place(verb, path, where, (name,), table_of(each, path)) for each in dict.fromkeys(found)]
    content = told.get("requestBody", {}).get("content", {})
    media = next(iter(content), "")
    body = None
    if media:
        schema = content[media]["schema"]
        body = content[media]["example"] if "example" in content[media] else Examples(SCHEMAS).of(schema)
        ids = dict.fromkeys(leaves(schema, ""))
        places += [Place(verb, path, "body", pointer, table_of(name, path)) for pointer, name in ids if pointer]
    return Operation(verb, path, told, tuple(places), media, body)


OPERATIONS = tuple(
    _operation(verb.upper(), path, told)
    for path, verbs in DESCRIPTION["paths"].items()
    for verb, told in sorted(verbs.items())
)


def placed(body: object, pointer: Pointer, value: str) -> object:
    """The body with this value at this place; lists and objects on the way are made where they are missing."""
    if not pointer:
        return value
    head, *rest = pointer
    if isinstance(head, int):
        inner = body[0] if isinstance(body, list) and body else None
        return [placed(inner, tuple(rest), value)]
    whole: dict[str, object] = copy.deepcopy(body) if isinstance(body, dict) else {}
    whole[head] = placed(whole.get(head), tuple(rest), value)
    return whole
