"""The real encoder: a sentence-transformers directory on this machine's CPU or GPU.

Importing this module costs ten seconds and half a gigabyte, so only the encoder's process does it. Nothing is fetched:
the directory holds all.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from appliance.drivers import devices
from appliance.drivers.encoder.counting import Counter
from appliance.drivers.encoder.port import About, Described

Precision = Literal["auto", "float32", "bfloat16"]
"""Which number format the weights take; auto: as the processor computes best."""


class SentenceEncoder(Described):
    """One loaded model. Not safe to share between threads: put :class:`~.turns.Turns` before it."""

    def __init__(
        self, directory: Path, about: About, counter: Counter, *, threads: int = 0, precision: Precision = "auto"
    ) -> None:
        super().__init__(about)
        torch.set_num_threads(threads or os.cpu_count() or 1)
        self._counter = counter
        capable = torch.cuda.is_available() or devices.bfloat16()
        half = precision == "bfloat16" or (precision == "auto" and capable)
        weights = {"use_safetensors": True, "dtype": torch.bfloat16 if half else torch.float32}
        self._model = SentenceTransformer(
            str(directory), local_files_only=True, trust_remote_code=False, model_kwargs=weights
        )

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - the port's
        """One forward pass over all of ``texts``; the caller sees to their number, which is not 0."""
        raw = self._model.encode(list(texts), batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False)
        vectors: NDArray[np.float32] = raw.float().cpu().numpy()
        scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return scaled

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Counted without the model."""
        return self._counter.tokens(texts)
