"""The API's description is whole, whatever routes there are: refusals, credentials, and an example of everything."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import jsonschema_rs
import pytest

from appliance.entry import edge
from appliance.entry.description import MEANING, PROBLEM, Described
from appliance.entry.examples import Examples, NoExample
from appliance.entry.web import UNAUTHENTICATED, describe

DOCUMENT = describe().openapi()
COMPONENTS = {"components": DOCUMENT["components"]}


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, verbs in DOCUMENT["paths"].items():
        for verb, operation in verbs.items():
            yield f"{verb.upper()} {path}", operation


def _shown() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every place of an operation where an example belongs."""
    for name, operation in _operations():
        yield from ((f"{name}: {each['name']}", each) for each in operation.get("parameters", []) if each["required"])
        contents = {"body": operation.get("requestBody", {}).get("content", {})}
        contents |= {status: answer.get("content", {}) for status, answer in operation["responses"].items()}
        yield from ((f"{name}: {where} {media}", c) for where, by in contents.items() for media, c in by.items())


def test_everything_that_goes_in_or_comes_out_has_an_example() -> None:
    bare = [name for name, place in _shown() if not {"example", "examples"} & set(place)]
    assert bare == [], "give the members of these schemas examples, or rows in appliance/entry/samples.py"


def test_every_example_is_one_of_its_schema() -> None:
    wrong = []
    for name, place in _shown():
        validator = jsonschema_rs.Draft202012Validator({**COMPONENTS, **place.get("schema", {})})
        wrong += [(name, error.message) for error in validator.iter_errors(place["example"])]
    assert wrong == []


def test_every_operation_names_its_refusals_as_problems() -> None:
    for name, operation in _operations():
        statuses = {int(status) for status in operation["responses"]}
        assert statuses & set(range(200, 303)), name
        if name.partition(" ")[2] in UNAUTHENTICATED:
            assert "security" not in operation
        else:
            assert operation["security"] == [{"key": []}, {"session": []}]
            assert statuses >= {401, 403}, name
        if "{" in name:
            assert statuses >= {404, 422}, name
    assert PROBLEM == edge.PROBLEM


def test_a_refusal_is_shown_as_the_edge_tells_it() -> None:
    responses = DOCUMENT["components"]["responses"]
    assert {response["description"] for response in responses.values()} == set(MEANING.values())
    problem = jsonschema_rs.Draft202012Validator({**COMPONENTS, "$ref": "#/components/schemas/Problem"})
    for status in MEANING:
        example = responses[HTTPStatus(status).phrase.replace(" ", "")]["content"][PROBLEM]["example"]
        assert example["status"] == status
        problem.validate(example)


def test_a_member_of_which_nothing_is_known_leaves_its_operation_without_an_example() -> None:
    schema = {"title": "Odd", "type": "object", "properties": {"xyzzy": {"type": "string"}}}
    with pytest.raises(NoExample, match=r"Odd\.xyzzy"):
        Examples({}).of(schema)
    app = Described()

    @app.get("/odd")
    def odd(xyzzy: str) -> dict[str, int]:
        """Nobody knows what it takes."""
        return {xyzzy: 1}

    assert "example" not in app.openapi()["paths"]["/odd"]["get"]["parameters"][0]


CASES = [
    ({"type": "integer", "exclusiveMinimum": 4}, 5),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
    ({"oneOf": [{"$ref": "#/components/schemas/One"}]}, {"at": "2026-11-24T08:00:00Z"}),
    ({"type": "array", "items": {"type": "boolean"}}, [True]),
    ({"type": "string", "default": "x"}, "x"),
    ({"type": "string", "contentMediaType": "application/octet-stream"}, "(the file's bytes)"),
    ({"const": 7}, 7),
    ({"type": "number", "example": 2.5}, 2.5),
    ({"type": "array", "items": {"$ref": "#/components/schemas/One"}, "examples": [[{}]]}, [{"at": None}]),
]


@pytest.mark.parametrize(("schema", "example"), CASES, ids=str)
def test_an_example_follows_the_schema(schema: dict[str, Any], example: object) -> None:
    one = {"properties": {"at": {"type": "string", "format": "date-time"}}, "required": ["at"]}
    assert Examples({"One": one}).of(schema) == example
