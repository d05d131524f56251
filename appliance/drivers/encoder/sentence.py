"""The real encoder: a sentence-transformers directory on this machine's CPU or GPU.

Importing this module costs ten seconds and half a gigabyte, so only the encoder's process does it. Nothing is fetched:
the directory holds all.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from appliance.drivers.encoder.counting import Counter
from appliance.drivers.encoder.port import About, Described


class SentenceEncoder(Described):
    """One loaded model. Not safe to share between threads: put :class:`~.turns.Turns` before it."""

    def __init__(self, directory: Path, about: About, counter: Counter, *, threads: int = 0) -> None:
        super().__init__(about)
        torch.set_num_threads(threads or os.cpu_count() or 1)
        self._counter = counter
        self._model = SentenceTransformer(
            str(directory), local_files_only=True, trust_remote_code=False, model_kwargs={"use_safetensors": True}
        )

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - the port's
        """One forward pass over all of ``texts``; the caller sees to their number."""
        vectors = self._model.encode(
            list(texts), batch_size=max(len(texts), 1), normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dimensions)

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Counted without the model."""
        return self._counter.tokens(texts)
