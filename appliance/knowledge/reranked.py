"""The best passages read again with the question, by a reranker where one is deployed.

Its order is taken as it is: it has seen what the two legs saw, and more. What it does not read stays behind, in the
order of fusion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from appliance.drivers.encoder.reranking import Reranker
from appliance.knowledge.fusion import Place
from appliance.knowledge.passages import Passage

LEG = "reranker"
MOST: Final = 30
"""Passages of a search that it reads."""


@dataclass(frozen=True, slots=True)
class Rereading:
    """A reranker, and how many passages of a search it reads."""

    reranker: Reranker
    most: int = MOST

    def ordered(self, question: str, found: Sequence[Passage]) -> list[Passage]:
        """The same passages, the first ``most`` in the reranker's order. Raises EncoderNotReady."""
        read, rest = found[: self.most], found[self.most :]
        scores = self.reranker.scores(question, [f"{one.lead}\n{one.text}".strip() for one in read])
        best = sorted(zip(scores, read, strict=True), key=lambda pair: -pair[0])
        again = [
            replace(one, score=score, places={**one.places, LEG: Place(rank, score)})
            for rank, (score, one) in enumerate(best, 1)
        ]
        return [*again, *rest]
