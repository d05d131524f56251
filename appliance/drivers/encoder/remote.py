"""The encoder as all other processes see it: a client of its socket."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.drivers.encoder.port import About, Described, EncoderNotReady
from appliance.kit.wire import Client, WireDown, WireRefused

URGENT_SECONDS = 5.0
ORDINARY_SECONDS = 300.0


class RemoteEncoder(Described):
    """Safe to share between threads. An urgent call gives up after 5 s (search goes on without), others after 300 s."""

    def __init__(self, path: Path, about: About) -> None:
        super().__init__(about)
        self.path = path
        self._client = Client(path, timeout=ORDINARY_SECONDS)

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> NDArray[np.float32]:
        """Vectors of length 1, one a text."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        seconds = URGENT_SECONDS if urgent else ORDINARY_SECONDS
        answer = self._call("encode", seconds, texts=list(texts), urgent=urgent)
        return np.frombuffer(answer["float32"], dtype="<f4").reshape(answer["shape"]).astype(np.float32)

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text."""
        found: list[int] = self._call("tokens", ORDINARY_SECONDS, texts=list(texts)) if texts else []
        return found

    def ready(self) -> bool:
        """Whether the model is loaded; False too when the process does not answer."""
        try:
            return bool(self._call("ping", URGENT_SECONDS)["ready"])
        except EncoderNotReady:
            return False

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def _call(self, op: str, seconds: float, **fields: object) -> Any:  # noqa: ANN401 - as the wire gives it
        try:
            return self._client.call(op, timeout=seconds, **fields)
        except WireDown as error:
            raise EncoderNotReady(error.detail, retry_after=5) from error
        except WireRefused as error:
            if error.reason == EncoderNotReady.code:
                raise EncoderNotReady(error.detail, retry_after=5) from error
            raise
