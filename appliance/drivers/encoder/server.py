"""The encoder's process as seen from its socket: it answers ``ping`` from the first moment, and encodes once loaded."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.drivers.encoder.counting import Counter
from appliance.drivers.encoder.port import Encoder, EncoderNotReady
from appliance.drivers.encoder.reranking import Reranker
from appliance.drivers.encoder.turns import Turns
from appliance.kit.wire import Server

_AT_ONCE: Final = 8
"""Passages in one turn of the reranker: whoever waits for a vector of a question waits for no more than that."""


class EncoderServer:
    """Operations ``ping``, ``tokens``, ``encode`` and ``rerank`` on a Unix socket. ``tokens`` needs no model."""

    def __init__(self, path: Path, counter: Counter | Encoder) -> None:
        self._counter = counter
        self._encoder: Encoder | None = None
        self._reranker: tuple[Reranker, Turns] | None = None
        answers = {"ping": self._ping, "tokens": self._tokens, "encode": self._encode, "rerank": self._rerank}
        self._server = Server(path, answers)

    def start(self) -> None:
        """Publish the socket and answer in the background."""
        self._server.start()

    def ready(self, encoder: Encoder) -> None:
        """From now on texts are encoded, by an encoder that is safe to share."""
        self._encoder = encoder

    def reranks(self, reranker: Reranker, turns: Turns) -> None:
        """From now on passages are reranked, in turns with the encoder's passes."""
        self._reranker = reranker, turns

    def close(self) -> None:
        """Take no more requests, finish those that run."""
        self._server.close()

    def _ping(self, _request: dict[str, Any]) -> dict[str, object]:
        encoder = self._encoder
        return {"ready": encoder is not None, "name": encoder.name if encoder else None}

    def _tokens(self, request: dict[str, Any]) -> list[int]:
        return self._counter.tokens(request["texts"])

    def _encode(self, request: dict[str, Any]) -> dict[str, object]:
        if self._encoder is None:
            raise EncoderNotReady("the encoder is loading its model", retry_after=5)
        texts: Sequence[str] = request["texts"]
        vectors = self._encoder.encode(texts, urgent=bool(request.get("urgent")))
        return {"shape": vectors.shape, "float32": vectors.astype("<f4").tobytes()}

    def _rerank(self, request: dict[str, Any]) -> bytes:
        if self._reranker is None:
            raise EncoderNotReady("there is no reranker, or it is loading", retry_after=5)
        reranker, turns = self._reranker
        question, texts = str(request["question"]), request["texts"]
        scores: list[float] = []
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            scores += turns.do(functools.partial(reranker.scores, question, part))
        return np.array(scores, "<f4").tobytes()
