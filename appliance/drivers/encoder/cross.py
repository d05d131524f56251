"""The real reranker: a cross-encoder by sentence-transformers. Importing this module is as dear as ``sentence``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from sentence_transformers import CrossEncoder

LONGEST: Final = 512
"""Tokens of question and passage together."""


class CrossReranker:
    """One loaded model with one label. Not safe to share between threads: give its passes to ``Turns``."""

    def __init__(self, directory: Path) -> None:
        self._model = CrossEncoder(
            str(directory),
            local_files_only=True,
            trust_remote_code=False,
            max_length=LONGEST,
            activation_fn=torch.nn.Sigmoid(),
            model_kwargs={"use_safetensors": True},
        )

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """From 0 to 1, in one pass over all of ``texts``, which are not none."""
        pairs = [(question, text) for text in texts]
        found: list[float] = self._model.predict(pairs, batch_size=len(pairs), show_progress_bar=False).tolist()
        return found
