"""Fusion: who votes, what the votes weigh, what breaks a tie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge.fusion import DENSE_WEIGHT, Fused, Leg, Place, covers, fuse, hybrid

SPARSE = [("a", 8.0), ("b", 4.0), ("c", 2.0)]
DENSE = [("c", 0.5), ("b", 0.4), ("d", 0.1)]


def order(results: list[Fused[str]]) -> list[str]:
    return [one.id for one in results]


def test_an_encoder_that_does_not_cover_the_language_has_no_vote() -> None:
    assert order(hybrid(SPARSE, DENSE, dense_votes=False)) == ["a", "b", "c"]


def test_scores_are_added_as_shares_of_each_legs_best() -> None:
    found = {one.id: one.score for one in hybrid(SPARSE, DENSE, dense_votes=True)}
    weight = DENSE_WEIGHT
    assert found == pytest.approx({"a": 1.0, "b": 0.5 + weight * 0.8, "c": 0.25 + weight, "d": weight * 0.2})


def test_each_result_tells_its_place_in_each_leg() -> None:
    found = {one.id: one.places for one in hybrid(SPARSE, DENSE, dense_votes=True)}
    assert found["c"] == {"sparse": Place(3, 2.0), "dense": Place(1, 0.5)}
    assert found["a"] == {"sparse": Place(1, 8.0)}


TIES = [
    ([("a", 1.0), ("b", 1.0)], [], ["a", "b"]),
    ([("b", 1.0), ("a", 1.0)], [], ["b", "a"]),
    ([("a", 1.0)], [("b", 1.0)], ["a", "b"]),
    ([], [("b", 1.0), ("a", 1.0)], ["b", "a"]),
    ([], [], []),
]


@pytest.mark.parametrize(("sparse", "dense", "expected"), TIES)
def test_ties_go_to_the_better_place_in_the_first_leg(
    sparse: list[tuple[str, float]], dense: list[tuple[str, float]], expected: list[str]
) -> None:
    assert order(fuse([Leg("sparse", sparse), Leg("dense", dense)])) == expected


def test_a_leg_with_nothing_in_common_gives_no_share() -> None:
    found = fuse([Leg("sparse", [("a", 1.0)]), Leg("dense", [("b", -0.1), ("a", -0.2)])])
    assert [(one.id, one.score) for one in found] == [("a", 1.0), ("b", 0.0)]


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.01, 9)), unique_by=lambda hit: hit[0]))
def test_one_leg_alone_keeps_its_order(ranked: list[tuple[int, float]]) -> None:
    best_first = sorted(ranked, key=lambda hit: -hit[1])
    assert [one.id for one in fuse([Leg("one", best_first)])] == [found for found, _ in best_first]


COVERED = [
    ({"en"}, "en", True),
    ({"en"}, "zh-Hans", False),
    ({"en"}, "und", False),
    ({"zh"}, "zh-Hant", True),
    ({"zh-Hans"}, "zh-Hant", False),
    ({"*"}, "und", True),
    (set(), "en", False),
]


@pytest.mark.parametrize(("languages", "language", "expected"), COVERED)
def test_an_encoder_covers_its_languages_and_their_variants(
    languages: set[str], language: str, *, expected: bool
) -> None:
    assert covers(languages, language) is expected
