"""The encoder of an appliance whose model is not installed: it covers all languages and is never ready.

So search goes on by words, and says that the encoder is not there rather than that it does not know the language.
"""

from collections.abc import Sequence
from typing import Never

from appliance.drivers.encoder.port import About, Described, EncoderNotReady


class AbsentEncoder(Described):
    """Refuses with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(About("none", 0, frozenset({"*"}), 0))
        self.reason = reason

    def encode(self, texts: Sequence[str], *, urgent: bool = False) -> Never:  # noqa: ARG002 - the port's
        """Never ready."""
        raise EncoderNotReady(self.reason)

    def tokens(self, texts: Sequence[str]) -> Never:  # noqa: ARG002 - the port's
        """Never ready."""
        raise EncoderNotReady(self.reason)
