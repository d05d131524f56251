"""Whether a model fits a machine, with which engine settings, and what would: planned purely, from its config.json.

    memory of a device × share  =  weights + LoRA slots + activations + what the engine itself takes + key-value cache

Weights, slots and cache are counted; activations and the engine's own part are estimates from above (no GPU was at hand
when they were written: ``docs/mechanisms/catalogue.md``). A plan that does not fit says why, and comes with the nearest
one that does: fewer requests at once, a shorter context, smaller weights, more cards; in this order.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final, Literal

from appliance.catalog.cache import Engine, capacity, needed
from appliance.catalog.shape import Shape
from appliance.kit.errors import Refused

GIB: Final = 1024**3
SHARE: Final = 0.9
"""Of a device's memory; vLLM's own default."""
BATCHED: Final = {"cpu": 2048, "cuda": 8192}
"""Tokens of one step, from above: vLLM chooses 2048 on a processor and up to 8192 on a card."""
STEPS: Final = {"cpu": 1, "cuda": 2}
"""Steps in flight: on a card the next one is scheduled while one runs."""
OWN: Final = {"cpu": GIB, "cuda": 3 * GIB // 2}
"""What the engine takes besides: libraries; on a card its context, captured graphs and the collectives' buffers."""
Numbers = Literal["bfloat16", "float16", "float32"]
NUMBERS: Final = {"bfloat16": 2, "float16": 2, "float32": 4}
BITS: Final = {"none": 0.0, "fp8": 8.0, "awq": 4.25, "gptq": 4.25}
"""Of a weight in a quantised linear layer; of 4-bit ones with scale and zero for each 128."""
CONTEXT_LEAST: Final = 1024
_DEVICE: Final = re.compile(r"(?:(?P<count>[1-9]\d?)x)?(?P<size>\d{1,4}(?:\.\d)?)GB|cpu:(?P<cpu>\d{1,4})GB")

Quantisation = Literal["none", "fp8", "awq", "gptq"]


class BadMachine(Refused):
    """The machine is not written as this planner reads it."""

    code = "bad_machine"
    advice = "Write 1x24GB, 2x80GB or cpu:16GB."


@dataclass(frozen=True, slots=True)
class Machine:
    """Devices of one kind; ``memory`` bytes each."""

    device: Literal["cpu", "cuda"]
    count: int
    memory: int

    @classmethod
    def parse(cls, text: str) -> "Machine":
        """From ``1x24GB`` or ``cpu:16GB``; a GB of a card is counted as GiB, as its makers do. Raises BadMachine."""
        found = _DEVICE.fullmatch(text)
        if found is None:
            raise BadMachine(f"{text!r} is no machine")
        if found["cpu"]:
            return cls("cpu", 1, int(found["cpu"]) * GIB)
        return cls("cuda", int(found["count"] or 1), int(float(found["size"]) * GIB))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the engine. ``slots``: adapters in one batch, of at most ``rank``."""

    context: int
    concurrency: int
    dtype: Numbers = "bfloat16"
    quantisation: Quantisation = "none"
    slots: int = 0
    rank: int = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes of it, bytes for each device.

    ``tokens``: of the cache; ``expected``: requests of a whole context that it holds. ``reasons`` empty: it fits; where
    it does not, ``nearest`` is a plan that does, if there is one.
    """

    wish: Wish
    parallel: int
    weights: int
    slots: int
    activations: int
    own: int
    cache: int
    tokens: int
    expected: float
    reasons: tuple[str, ...]
    engine: dict[str, Any]
    nearest: "Plan | None" = None

    @property
    def fits(self) -> bool:
        """Whether an engine with these settings starts and does what was asked."""
        return not self.reasons


def plan(shape: Shape, machine: Machine, wish: Wish, weights: int | None = None) -> Plan:
    """The plan for a wish; ``weights``: the bytes on disk, where they are known and loaded as they are."""
    first = _plan(shape, machine, wish, weights)
    if first.fits:
        return first
    for other in _nearer(shape, machine, wish):
        known = weights if other.quantisation == wish.quantisation else None
        tried = _plan(shape, machine, other, known)
        if not tried.fits and tried.expected >= 1:
            tried = _plan(shape, machine, replace(other, concurrency=int(tried.expected)), known)
        if tried.fits:
            return replace(first, nearest=tried)
    return first


def weight_bytes(shape: Shape, dtype: str, quantisation: Quantisation) -> int:
    """Bytes of all weights: quantisation touches the linear layers, not the vocabulary's."""
    number = NUMBERS[dtype]
    bits = BITS[quantisation] or 8.0 * number
    return int(shape.linear * bits / 8) + shape.embeddings * number


def slot_bytes(shape: Shape, wish: Wish) -> int:
    """Bytes that vLLM sets aside for adapters: both matrices of each linear layer, at the largest rank."""
    attention = 4 * shape.hidden + (2 * shape.heads + 2 * shape.kv_heads) * shape.head
    sides = attention + 3 * (shape.hidden + shape.inner)
    return wish.slots * shape.layers * wish.rank * sides * NUMBERS[wish.dtype]


def _plan(shape: Shape, machine: Machine, wish: Wish, known: int | None) -> Plan:
    parallel = _parallel(shape, machine)
    whole = known if known is not None else weight_bytes(shape, wish.dtype, wish.quantisation)
    weights, slots = ceil(whole / parallel), ceil(slot_bytes(shape, wish) / parallel)
    activations, own = _activations(shape, machine, wish, parallel), OWN[machine.device]
    left = int(machine.memory * SHARE) - weights - slots - activations - own
    flight = BATCHED[machine.device] * STEPS[machine.device]
    engine = Engine(machine.device, wish.context, NUMBERS[wish.dtype], parallel, flight)
    cache = max(left, 0) // GIB * GIB if machine.device == "cpu" else max(left, 0)
    tokens = capacity(shape, engine, cache)
    return Plan(
        wish=wish,
        parallel=parallel,
        weights=weights,
        slots=slots,
        activations=activations,
        own=own,
        cache=cache,
        tokens=tokens,
        expected=round(tokens / wish.context, 2),
        reasons=tuple(_reasons(shape, wish, left, cache, needed(shape, engine, 1), tokens)),
        engine=_engine(machine, wish, parallel, cache),
    )


def _reasons(shape: Shape, wish: Wish, left: int, cache: int, one: int, tokens: int) -> Iterator[str]:
    if wish.context > shape.context:
        yield f"the model was made for {shape.context} tokens, not for {wish.context}"
    if left <= 0:
        yield f"{_gib(-left)} too little for weights, activations and the engine itself, without any cache"
    elif cache < one:
        yield f"{_gib(cache)} are left for the cache, one request of {wish.context} tokens takes {_gib(one)}"
    elif tokens < wish.concurrency * wish.context:
        most = tokens // wish.context
        yield f"the cache holds {tokens} tokens: {most} requests of {wish.context}, not {wish.concurrency}"


def _nearer(shape: Shape, machine: Machine, wish: Wish) -> Iterator[Wish]:
    """Wishes that ask for less, the nearest first."""
    contexts = [min(wish.context, shape.context)]
    while contexts[-1] // 2 >= CONTEXT_LEAST:
        contexts.append(contexts[-1] // 2)
    small: tuple[Quantisation, ...] = ("fp8", "awq") if machine.device == "cuda" else ()
    kinds: tuple[Quantisation, ...] = (wish.quantisation, *(kind for kind in small if BITS[kind] < _bits(wish)))
    for kind in kinds:
        for context in contexts:
            yield replace(wish, quantisation=kind, context=context)


def _bits(wish: Wish) -> float:
    return BITS[wish.quantisation] or 8.0 * NUMBERS[wish.dtype]


def _parallel(shape: Shape, machine: Machine) -> int:
    """Cards that share the model: as many as there are and as its heads can be divided among."""
    return max(count for count in range(1, machine.count + 1) if shape.heads % count == 0)


def _activations(shape: Shape, machine: Machine, wish: Wish, parallel: int) -> int:
    """From above: of a step's tokens the residual, its norm and the widest layer's in- and outputs; float32 logits."""
    tokens, number = BATCHED[machine.device], NUMBERS[wish.dtype]
    widest = max(3 * shape.inner, (shape.heads + 2 * shape.kv_heads) * shape.head) / parallel
    return int(tokens * number * (4 * shape.hidden + widest)) + 2 * 4 * wish.concurrency * shape.vocabulary


def _engine(machine: Machine, wish: Wish, parallel: int, cache: int) -> dict[str, Any]:
    """The settings that a deployment takes (``deployments create --engine``)."""
    told: dict[str, Any] = {
        "device": machine.device,
        "dtype": wish.dtype,
        "context": wish.context,
        "sequences": wish.concurrency,
    }
    told |= {"cache_gib": cache // GIB} if machine.device == "cpu" else {"memory_share": SHARE, "parallel": parallel}
    return told | ({"adapters": wish.slots, "adapter_rank": wish.rank} if wish.slots else {})


def _gib(count: int) -> str:
    return f"{count / GIB:.1f} GiB"
