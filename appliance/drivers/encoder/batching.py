"""How texts are grouped for the model: alike in length, and never so many that a waiting query would notice.

A forward pass pads every text to the longest of its batch. Its duration grows with the padded tokens, and a query waits
for the pass that runs when it arrives: so padded tokens are bounded. Each pass also costs something by itself. The
grouping with the least sum of both is found by dynamic programming: with batches simply filled up, the eight passages
of a small document were padded by half (29,300 tokens for 19,500 over the sample handbook; so 22,200).
"""

from collections.abc import Sequence
from typing import Final

PADDED_TOKENS: Final = 1024

A_PASS: Final = 45
"""What a pass costs by itself, in tokens: 12 ms of processor time, against .29 ms for a token (MiniLM, two cores)."""


def batches(lengths: Sequence[int], texts: int, tokens: int = PADDED_TOKENS) -> list[list[int]]:
    """Positions in ``lengths`` (tokens of each text) grouped into batches, shortest first.

    A batch has at most ``texts`` texts and at most ``tokens`` padded tokens (its longest text times their number), but
    at least one text, however long. Every position occurs once.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    costs, begins = [0], [0]
    for end, position in enumerate(order, start=1):
        longest = lengths[position]
        cost, begin = costs[end - 1] + longest + A_PASS, end - 1
        for start in range(end - 2, max(end - texts, 0) - 1, -1):
            padded = (end - start) * longest
            if padded > tokens:
                break
            if costs[start] + padded + A_PASS < cost:
                cost, begin = costs[start] + padded + A_PASS, start
        costs.append(cost)
        begins.append(begin)
    return _groups(order, begins)


def _groups(order: Sequence[int], begins: Sequence[int]) -> list[list[int]]:
    """Read the best grouping back from its end."""
    found: list[list[int]] = []
    end = len(order)
    while end:
        found.append(list(order[begins[end] : end]))
        end = begins[end]
    return found[::-1]
