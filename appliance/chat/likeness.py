"""How alike two texts are in meaning, where an encoder covers their language."""

from collections.abc import Callable, Sequence

from appliance.drivers.encoder.port import Encoder, EncoderNotReady
from appliance.knowledge.fusion import covers
from appliance.knowledge.language import detect

Likeness = Callable[[str, Sequence[str]], Sequence[float]]
"""A text and others → the cosine of each with it; empty where nobody can tell."""


def no_likeness(text: str, others: Sequence[str]) -> Sequence[float]:  # noqa: ARG001 - a Likeness
    """Words alone."""
    return ()


class EncoderLikeness:
    """Cosines by the appliance's encoder. What it was asked within one answer is not asked again."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, text: str, others: Sequence[str]) -> Sequence[float]:
        """As :data:`Likeness`: empty where the encoder does not cover the text's language, or is not ready."""
        try:
            if not others or not covers(self._encoder.languages, detect(text)):
                return ()
            first, *rest = self._encoder.encode([text, *others], urgent=True)
        except EncoderNotReady:
            return ()
        return [float(first @ one) for one in rest]
