"""The encoder's process as seen from its socket: it answers ``ping`` from the first moment, and encodes once loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.drivers.encoder.counting import Counter
from appliance.drivers.encoder.port import Encoder, EncoderNotReady
from appliance.kit.wire import Server


class EncoderServer:
    """Operations ``ping``, ``tokens`` and ``encode`` on a Unix socket. ``tokens`` needs no model: it works at once."""

    def __init__(self, path: Path, counter: Counter | Encoder) -> None:
        self._counter = counter
        self._encoder: Encoder | None = None
        self._server = Server(path, {"ping": self._ping, "tokens": self._tokens, "encode": self._encode})

    def start(self) -> None:
        """Publish the socket and answer in the background."""
        self._server.start()

    def ready(self, encoder: Encoder) -> None:
        """From now on texts are encoded, by an encoder that is safe to share."""
        self._encoder = encoder

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
