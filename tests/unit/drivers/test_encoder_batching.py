"""Texts are grouped by length within bounds."""

import pytest

from appliance.drivers.encoder.batching import batches


@pytest.mark.parametrize(
    ("lengths", "texts", "tokens", "expected"),
    [
        ([], 4, 100, []),
        ([5], 4, 100, [[0]]),
        ([30, 10, 20], 4, 100, [[1, 2, 0]]),
        ([10, 10, 10], 2, 100, [[0, 1], [2]]),
        ([50, 60, 10], 9, 100, [[2, 0], [1]]),
        ([500], 9, 100, [[0]]),
        ([0, 0], 9, 0, [[0, 1]]),
    ],
    ids=["none", "one", "sorted", "by number", "by padded tokens", "one that is too long", "empty texts"],
)
def test_batches_hold_texts_alike_in_length_within_bounds(
    lengths: list[int], texts: int, tokens: int, expected: list[list[int]]
) -> None:
    assert batches(lengths, texts, tokens) == expected


def test_every_position_occurs_once() -> None:
    lengths = [(7 * number) % 50 for number in range(200)]
    assert sorted(place for batch in batches(lengths, 8, 256) for place in batch) == list(range(200))
