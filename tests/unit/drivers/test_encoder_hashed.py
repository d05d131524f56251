"""The encoder without a model keeps the port's promises."""

import numpy as np

from appliance.drivers.encoder.hashed import HashedEncoder


def test_texts_that_share_words_are_closer_than_others() -> None:
    query, near, far = HashedEncoder().encode(["annual leave", "annual leave is twenty days", "the canteen opens"])
    assert query @ near > query @ far


def test_vectors_have_length_one_and_are_the_same_for_another_instance() -> None:
    texts = ["one two", "", "…", "一二三"]
    vectors = HashedEncoder(64).encode(texts)
    assert vectors.shape == (4, 64)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert (HashedEncoder(64).encode(texts, urgent=True) == vectors).all()


def test_no_texts_give_no_vectors() -> None:
    assert HashedEncoder(8).encode([]).shape == (0, 8)


def test_what_lies_beyond_the_longest_text_is_not_seen() -> None:
    encoder = HashedEncoder(longest=2)
    first, second = encoder.encode(["a b c", "a b"])
    assert (first == second).all()
    assert encoder.tokens(["a b c", ""]) == [3, 0]


def test_it_says_what_it_is() -> None:
    encoder = HashedEncoder(16, frozenset({"en", "zh-Hans"}))
    assert (encoder.name, encoder.dimensions) == ("hashed-16", 16)
    assert encoder.languages == {"en", "zh-Hans"}
