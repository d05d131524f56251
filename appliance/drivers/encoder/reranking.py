"""What the appliance asks of a reranker: a model that reads question and passage together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from appliance.drivers.encoder.port import EncoderNotReady
from appliance.kit.wire import Client, WireDown, WireRefused

SECONDS = 5.0


class Reranker(Protocol):
    """Scores passages for a question."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One a text, from 0 to 1, higher for what answers better. Raises :class:`EncoderNotReady` (503)."""
        ...


class RemoteReranker:
    """The reranker in the encoder's process. Safe to share; gives up after 5 s: the search goes on without."""

    def __init__(self, path: Path) -> None:
        self._client = Client(path, timeout=SECONDS)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """As :meth:`Reranker.scores`."""
        if not texts:
            return []
        try:
            answer: bytes = self._client.call("rerank", timeout=SECONDS, question=question, texts=list(texts))
        except WireDown as error:
            raise EncoderNotReady(error.detail, retry_after=5) from error
        except WireRefused as error:
            if error.reason == EncoderNotReady.code:
                raise EncoderNotReady(error.detail, retry_after=5) from error
            raise
        found: list[float] = np.frombuffer(answer, "<f4").tolist()
        return found

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()
