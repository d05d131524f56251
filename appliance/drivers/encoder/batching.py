"""How texts are grouped for the model: alike in length, and never so many that a waiting query would notice.

A forward pass pads every text to the longest of its batch, so texts of like length belong together. Its duration grows
with the padded tokens, and a query waits for the pass that runs when it arrives: so padded tokens are bounded. On a CPU
a larger batch gains nothing (the rate is flat from 4 texts on).
"""

from collections.abc import Sequence

PADDED_TOKENS = 1024


def batches(lengths: Sequence[int], texts: int, tokens: int = PADDED_TOKENS) -> list[list[int]]:
    """Positions in ``lengths`` (tokens of each text) grouped into batches, shortest first.

    A batch has at most ``texts`` texts and at most ``tokens`` padded tokens (its longest text times their number), but
    at least one text, however long. Every position occurs once.
    """
    found: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        size = len(found[-1]) + 1 if found else 0
        if not found or size > texts or size * lengths[position] > tokens:
            found.append([])
        found[-1].append(position)
    return found
