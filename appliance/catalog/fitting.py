"""A fit plan for a version that is here: its configuration read, its machine found, the rest is ``fit.plan``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.catalog import fit, shape
from appliance.catalog.fit import Machine, Numbers, Plan, Wish
from appliance.catalog.service import ModelVersion
from appliance.drivers.devices import Device
from appliance.drivers.vllm.arguments import EngineSettings, settled

_PREPARED = {"fp8": "fp8", "awq": "awq", "gptq": "gptq", "compressed-tensors": "fp8"}


def planned(version: ModelVersion, machine: Machine, wish: Wish) -> Plan:
    """Raises ``ShapeUnknown`` for a configuration that the planner does not understand."""
    config = _read(version.directory / "config.json")
    return fit.plan(shape.of(config), machine, wish, _known(version, config, wish))


def here(devices: Sequence[Device]) -> Machine:
    """This host: its graphics cards, the smallest counting for all, or what its processor has free."""
    cards = [device for device in devices if device.kind == "cuda"]
    if cards:
        return Machine("cuda", len(cards), min(device.total for device in cards))
    return Machine("cpu", 1, sum(device.free for device in devices))


def numbers(machine: Machine, *, bfloat16: bool) -> Numbers:
    """What an engine computes in on this host, where nobody chose; ``bfloat16``: whether its processor knows those."""
    engine = settled(EngineSettings(machine.device), bfloat16=bfloat16)
    return "float32" if engine.dtype == "float32" else "bfloat16"


def _known(version: ModelVersion, config: dict[str, Any], wish: Wish) -> int | None:
    """The bytes of its files, where an engine loads them as they are."""
    prepared = config.get("quantization_config")
    method = prepared.get("quant_method") if isinstance(prepared, dict) else None
    if method is not None:
        return version.bytes if _PREPARED.get(str(method)) == wish.quantisation else None
    stored = config.get("dtype") or config.get("torch_dtype")
    return version.bytes if wish.quantisation == "none" and stored == wish.dtype else None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise shape.ShapeUnknown("its config.json cannot be read") from error
    if not isinstance(found, dict):
        raise shape.ShapeUnknown("its config.json is no object")
    return found
