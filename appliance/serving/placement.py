"""Where an engine runs, decided purely: filter (can it?), select (which together?), score (which best?), with reasons.

And how one version takes over from another: beside it where both fit; where there is one graphics card for both, by
putting the old one to sleep meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from appliance.drivers.devices import Device
from appliance.drivers.vllm.arguments import EngineSettings

GIB = 1024**3
OVERHEAD = GIB
"""What an engine's processes take on a processor besides weights and cache: libraries, buffers, compiled code."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an engine needs: ``count`` devices of a kind, each with ``memory`` bytes, or that share of all it has."""

    kind: Literal["cpu", "cuda"]
    count: int
    memory: int
    share: float | None = None

    @classmethod
    def of(cls, engine: EngineSettings, weights: int) -> "Demand":
        """For ``weights`` bytes of files, of two bytes a number, run with these settings."""
        if engine.device == "cuda":
            return cls("cuda", engine.parallel, weights // engine.parallel, engine.memory_share)
        grown = 2 * weights if engine.dtype == "float32" else weights
        return cls("cpu", 1, grown + engine.cache_gib * GIB + OVERHEAD)

    def on(self, device: Device) -> int:
        """Bytes that it takes of this device."""
        return self.memory if self.share is None else int(self.share * device.total)


@dataclass(frozen=True, slots=True)
class Held:
    """What others have of a device: bytes promised to those who have not taken them yet, and how many run there."""

    promised: int = 0
    engines: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """The devices chosen, none when there is no place; ``reasons``: one sentence for each device that was looked at."""

    devices: tuple[str, ...]
    indices: tuple[int, ...] = ()
    reasons: tuple[str, ...] = field(default=())
    memory: int = 0

    def to_json(self) -> dict[str, Any]:
        """As a replica keeps it."""
        return {"devices": [*self.devices], "memory": self.memory, "reasons": [*self.reasons]}


def place(demand: Demand, devices: Sequence[Device], held: Mapping[str, Held] | None = None) -> Placement:
    """Where it goes: on the devices with the fewest engines, of these on those with the most memory to spare."""
    taken = held or {}
    reasons, able = [], []
    for device in devices:
        refusal = _unfit(demand, device, taken.get(str(device), Held()))
        if refusal is None:
            able.append(device)
        else:
            reasons.append(f"{device}: {refusal}")
    if len(able) < demand.count:
        if demand.count > 1:
            reasons.append(f"{demand.count} devices are needed together, {len(able)} can")
        elif not devices or all(device.kind != demand.kind for device in devices):
            reasons.append(f"there is no {demand.kind} device")
        return Placement((), reasons=tuple(reasons))
    best = sorted(able, key=lambda one: (taken.get(str(one), Held()).engines, -one.free, one.index))[: demand.count]
    for device in able:
        verdict = "chosen" if device in best else "could, but another is less used"
        reasons.append(f"{device}: {verdict}, {_gib(device.free)} free, {_gib(demand.on(device))} needed")
    indices = tuple(device.index for device in best)
    return Placement(tuple(map(str, best)), indices, tuple(reasons), max(map(demand.on, best)))


class Step(StrEnum):
    """A step of a swap. SLEEP: the weights go to the host's memory, the card is free; WAKE brings them back."""

    START = "start the new"
    WARM = "warm the new by a request"
    FLIP = "send requests to the new"
    DRAIN = "drain the old"
    SLEEP = "put the old to sleep"
    WAKE = "wake the old when the new fails"
    STOP = "stop the old"


@dataclass(frozen=True, slots=True)
class Swap:
    """How a version takes over, step by step; without steps it cannot, for these reasons. ``gap``: nobody answers."""

    steps: tuple[Step, ...]
    gap: bool
    reasons: tuple[str, ...]


def swap(demand: Demand, old: Demand, devices: Sequence[Device], held: Mapping[str, Held] | None = None) -> Swap:
    """Beside the old where there is room. On cards without room the old sleeps, if the host can hold its weights.

    A processor has nothing to put to sleep: there the memory that weights sleep in is the memory that lacks.
    """
    beside = place(demand, devices, held)
    if beside.devices:
        return Swap((Step.START, Step.WARM, Step.FLIP, Step.DRAIN), gap=False, reasons=beside.reasons)
    if demand.kind != "cuda" or old.kind != "cuda":
        return Swap((), gap=False, reasons=beside.reasons)
    freed = [_freed(old, device) for device in devices]
    alone = place(demand, freed)
    host = next((device.free for device in devices if device.kind == "cpu"), 0)
    if not alone.devices or host < old.memory * old.count:
        return Swap((), gap=False, reasons=(*beside.reasons, *alone.reasons, f"the host has {_gib(host)} to sleep in"))
    steps = (Step.SLEEP, Step.START, Step.WARM, Step.FLIP, Step.STOP, Step.WAKE)
    return Swap(steps, gap=True, reasons=(*beside.reasons, "the old one sleeps while the new one loads"))


def _freed(old: Demand, device: Device) -> Device:
    if device.kind != "cuda":
        return device
    return Device("cuda", device.index, device.name, device.total, min(device.total, device.free + old.on(device)))


def _unfit(demand: Demand, device: Device, held: Held) -> str | None:
    if device.kind != demand.kind:
        return f"it is no {demand.kind} device"
    needed, free = demand.on(device), device.free - held.promised
    if free < needed:
        promised = f", {_gib(held.promised)} of it promised" if held.promised else ""
        return f"{_gib(needed)} needed, {_gib(device.free)} free{promised}"
    if demand.memory > needed:
        return f"{_gib(demand.memory)} of weights do not fit into {_gib(needed)}"
    return None


def _gib(count: int) -> str:
    return f"{max(count, 0) / GIB:.1f} GiB"
