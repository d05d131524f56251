"""Counting tokens as an encoder does, without its weights: milliseconds to load, no torch."""

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from appliance.drivers.encoder.port import About

_SPECIAL = 2  # what BERT puts around a text: [CLS] and [SEP]


class Counter:
    """The tokenizer that lies beside the weights, with truncation and padding off."""

    def __init__(self, directory: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, special tokens not counted."""
        return [len(found.ids) for found in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def describe(directory: Path, name: str, languages: frozenset[str]) -> About:
    """What the configuration in a sentence-transformers directory says. Raises OSError, KeyError or ValueError."""
    pooling = json.loads((directory / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    sentence = json.loads((directory / "sentence_bert_config.json").read_text(encoding="utf-8"))
    return About(
        name=name,
        dimensions=int(pooling["word_embedding_dimension"]),
        languages=languages,
        longest=int(sentence["max_seq_length"]) - _SPECIAL,
    )
