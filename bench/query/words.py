"""Made-up words, each a term of its own, so that a question in words meets the synthetic chunks' terms."""

from typing import Any

import numpy as np

from appliance.knowledge import bm25
from tests.factories.points import Corpus

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmprt" for vowel in "aou"]
WORDS = [f"q{first}{second}{third}k" for first in _SYLLABLES for second in _SYLLABLES for third in _SYLLABLES]
"""27,000, the commonest first; the last letter keeps the stemmer from taking any apart."""

PASSAGE = "The quarterly report says that deliveries were late because the supplier changed the packaging. " * 8
VOCABULARY = np.array([next(iter(bm25.counted(word))) for word in WORDS], np.uint32)
LIKE_TEXT: dict[str, Any] = {"vocabulary": VOCABULARY, "terms_a_chunk": 80, "passage": PASSAGE}


def question(corpus: Corpus) -> str:
    """Eight words as often as the chunks have them, among plain English ones."""
    asked = [WORDS[rank] for rank in corpus.ranks(8)]
    return f"What do we know about the {', '.join(asked[:-1])} and {asked[-1]} of last year?"
