"""The same value has the same bytes; what has no single form is refused."""

import pytest

from appliance.kit.canonical import canonical, digest_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é中"]}, '{"a":[true,null,"é中"],"b":1}'),
        ({"é": 1, "z": 2}, '{"z":2,"é":1}'),
        ((), "[]"),
        ('a"\n', '"a\\"\\n"'),
    ],
)
def test_keys_are_in_order_and_nothing_is_between(value: object, text: str) -> None:
    assert canonical(value) == text.encode()  # type: ignore[arg-type] # a table of any


@pytest.mark.parametrize("value", [1.0, float("nan"), {1: 2}, {"a": b"x"}, [object()], "\ud800"])
def test_what_has_no_single_form_is_refused(value: object) -> None:
    with pytest.raises((TypeError, UnicodeEncodeError)):
        canonical(value)  # type: ignore[arg-type] # a table of any


def test_order_of_insertion_changes_no_digest() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
