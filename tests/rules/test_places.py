"""Every id that the API takes is known to the isolation matrix: a landing fails where a name tells no table."""

from tests.integration.isolation.places import OPERATIONS, leaves, placed, table_of

CASES = [(operation, place) for operation in OPERATIONS for place in operation.places if place.table]


def test_no_id_goes_unnoticed() -> None:
    unknown = {str(place) for operation in OPERATIONS for place in operation.places if place.table is None}
    assert unknown == set(), "say in ALIASES what these ids are of"
    assert {place.where for _, place in CASES} >= {"path", "query", "body"}
    assert any(0 in place.pointer for _, place in CASES)


NESTED = {
    "type": "object",
    "properties": {
        "document_id": {"type": "string", "format": "uuid"},
        "sets": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"users": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
            },
        },
        "state": {"type": "string"},
    },
}


def test_ids_are_found_however_deep_they_stand() -> None:
    assert list(leaves(NESTED, "")) == [(("document_id",), "document_id"), (("sets", 0, "users", 0), "users")]
    assert placed({"a": 1}, ("sets", 0, "users", 0), "x") == {"a": 1, "sets": [{"users": ["x"]}]}
    assert table_of("id", "/scim/v2/Users/{id}") == "users"
    assert table_of("model_id") == ""
    assert table_of("gadget_id") is None
