"""How many tokens a key-value cache holds: vLLM's own arithmetic, as a pure function of a model's shape.

vLLM keeps keys and values in blocks of ``block`` tokens. Layers that see all and layers that see a window are put into
groups of one size, each with a block table of its own over one pool; a request takes blocks for all its tokens in a
group of the former and for its window (and what is in flight) in one of the latter. Source: vllm 0.32,
``v1/core/kv_cache_utils.py`` and ``v1/kv_cache_interface.py``; ``make bench-fit`` holds both against each other.
"""

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal

from appliance.catalog.shape import Shape

_PADDING: Final = 1.5
"""vLLM's bound below which it pads the smaller kind of layer instead of making more groups."""
BLOCK: Final = {"cpu": 128, "cuda": 16}
_LATENT_BLOCK: Final = {"cpu": 16, "cuda": 64}


@dataclass(frozen=True, slots=True)
class Engine:
    """What of an engine the cache depends on. ``bytes``: of one number in it; ``flight``: tokens in flight."""

    device: Literal["cpu", "cuda"]
    context: int
    bytes: int
    parallel: int
    flight: int

    def block(self, shape: Shape) -> int:
        """Tokens of a block."""
        return (BLOCK if shape.latent is None else _LATENT_BLOCK)[self.device]


def capacity(shape: Shape, engine: Engine, memory: int) -> int:
    """Tokens, as vLLM reports them, that ``memory`` bytes a device hold of requests as long as the context."""
    blocks = memory // block_bytes(shape, engine)
    return int(blocks / request_blocks(shape, engine) * engine.context)


def needed(shape: Shape, engine: Engine, requests: int) -> int:
    """Bytes a device for so many requests as long as the context."""
    return requests * request_blocks(shape, engine) * block_bytes(shape, engine)


def block_bytes(shape: Shape, engine: Engine) -> int:
    """Bytes of one block over all layers of a group, on one device."""
    return _group(shape) * engine.block(shape) * token_bytes(shape, engine)


def token_bytes(shape: Shape, engine: Engine) -> int:
    """Bytes of a token in one layer, on one device. Heads are shared out; latent vectors are kept by each."""
    if shape.latent is not None:
        return (shape.latent.rank + shape.latent.rope) * engine.bytes
    return 2 * ceil(shape.kv_heads / engine.parallel) * shape.head * engine.bytes


def request_blocks(shape: Shape, engine: Engine) -> int:
    """Blocks that one request as long as the context takes, over all groups."""
    size, total = _group(shape), 0
    for window, layers in Counter(shape.windows).items():
        total += ceil(layers / size) * _blocks(window, engine, engine.block(shape))
    return total


def _blocks(window: int | None, engine: Engine, block: int) -> int:
    if window is None:
        return ceil(engine.context / block)
    return ceil(min(window - 1 + engine.flight, engine.context) / block) + 1


def _group(shape: Shape) -> int:
    """Layers of a group."""
    counts = Counter(shape.windows).values()
    return max(counts) if max(counts) < _PADDING * min(counts) else min(counts)
