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


def test_short_texts_are_not_padded_to_a_long_one_where_two_passes_are_cheaper() -> None:
    assert batches([30, 35, 200, 190], 32) == [[0, 1], [3, 2]]
    assert batches([30, 35, 40, 38], 32) == [[0, 1, 3, 2]]


def test_no_bound_is_passed_but_by_a_single_text() -> None:
    lengths = [(37 * number) % 250 for number in range(300)]
    for batch in batches(lengths, 8, 600):
        assert len(batch) == 1 or (len(batch) <= 8 and len(batch) * max(lengths[place] for place in batch) <= 600)
