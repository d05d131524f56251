"""A reranker without a model: for tests, and for reading what the port means."""

from collections.abc import Sequence


class OverlapReranker:
    """The share of the question's words that a passage has."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """From 0 to 1."""
        words = set(question.casefold().split())
        return [len(words & set(text.casefold().split())) / max(len(words), 1) for text in texts]
