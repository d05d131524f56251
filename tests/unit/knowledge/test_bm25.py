"""BM25 in two halves: what is stored depends on no other document, and scores come back after a deletion."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge import bm25
from appliance.knowledge.bm25 import RARITY, Statistics, counted, document, question, score
from appliance.knowledge.terms import term_id, terms

TEXTS = ["The pump runs at 40 bar.", "年假为十五天。", "The valve of the pump leaks.", "Leave is 15 days a year."]


def statistics(texts: list[str]) -> Statistics:
    frequencies = Counter(term for text in texts for term in counted(text))
    return Statistics(len(texts), frequencies)


def scores(asked: str, texts: list[str]) -> list[float]:
    weights = question(counted(asked), statistics(texts))
    return [score(weights, document(counted(text))) for text in texts]


def test_the_score_is_the_formula_of_robertson_and_zaragoza() -> None:
    text, length = TEXTS[0], len(terms(TEXTS[0]))
    norm = 0.9 * (0.6 + 0.4 * length / bm25.REFERENCE_LENGTH)
    idf = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5)) ** RARITY
    assert scores("pump", TEXTS)[0] == pytest.approx(idf * 1.9 / (1 + norm), rel=1e-6)
    assert text


def test_the_best_text_comes_first() -> None:
    assert max(range(4), key=scores("pump valve", TEXTS).__getitem__) == 2
    assert max(range(4), key=scores("年假几天", TEXTS).__getitem__) == 1


def test_ids_ascend_and_arrays_are_parallel() -> None:
    weights = document(counted(TEXTS[2]))
    assert weights.ids.dtype == np.uint32
    assert weights.values.dtype == np.float32
    assert len(weights) == len(weights.values) == len(set(terms(TEXTS[2])))
    assert (np.diff(weights.ids.astype(np.int64)) > 0).all()


@given(st.lists(st.sampled_from(TEXTS), min_size=1), st.lists(st.sampled_from(TEXTS)))
def test_after_a_deletion_scores_are_exactly_what_they_were(kept: list[str], deleted: list[str]) -> None:
    before = scores("pump leave 年假", kept)
    during = statistics(kept + deleted)
    remaining = Counter(dict(during.frequencies))
    remaining.subtract(term for text in deleted for term in counted(text))
    asked = question(counted("pump leave 年假"), Statistics(during.chunks - len(deleted), remaining))
    assert [score(asked, document(counted(text))) for text in kept] == before


@pytest.mark.parametrize("asked", ["", "the of", "unheard"])
def test_a_question_without_known_terms_weighs_nothing(asked: str) -> None:
    assert len(question(counted(asked), statistics(TEXTS))) == 0


def test_a_term_in_every_chunk_still_weighs_a_little() -> None:
    assert Statistics(3, {1: 3}).idf(1) == pytest.approx(math.log(1 + 0.5 / 3.5) ** RARITY)


def test_statistics_that_lag_behind_give_no_negative_weight() -> None:
    assert Statistics(0, {1: 5}).idf(1) > 0
    assert Statistics(5, {1: -1}).idf(1) == 0


def test_a_text_without_terms_has_no_weights() -> None:
    assert len(document(counted("…"))) == 0
    assert term_id("pump") in counted("pump")
