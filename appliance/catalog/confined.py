"""Hostile bytes, read in a process of their own: ``python -m appliance.catalog.confined weights|adapter …``.

Weights, configurations and adapters come from outside. Their headers and JSON are read by a child under limits of
memory, time and files, on a leash, shut in with the directories that it reads; it writes nothing and answers with one
JSON document. Whatever a file does to it is a refusal.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from appliance.catalog import header, lora, verify
from appliance.kit.children import ChildNotStarted, Limits, spawn
from appliance.kit.confine import Walls, code
from appliance.kit.environment import plain
from appliance.kit.errors import ApplianceError, Broken
from appliance.kit.leftovers import ChildStillRunning

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LIMITS: Final = Limits(memory=2 * 1024**3, cpu_seconds=120, file_size=0, open_files=64)
_SECONDS: Final = 300.0
_LONGEST_ANSWER: Final = 4 * 1024 * 1024
_MOST_DANGERS: Final = 20


class Unreadable(verify.Tampered):
    """What was given could not be read within the limits."""

    code = "weights_unreadable"
    advice = "Fetch the model again from a source that you trust."


def dangers(directory: Path, limits: Limits = LIMITS) -> tuple[str, ...]:
    """As :func:`verify.dangers`, found by a child."""
    return tuple(_asked(["weights", str(directory)], limits)["dangers"])


def adapter(directory: Path, base: Path, names: tuple[str, ...], most: int, limits: Limits = LIMITS) -> lora.Lora:
    """The adapter in a directory, checked against its base by a child. Raises :class:`lora.BadAdapter`."""
    told = _asked(["adapter", str(directory), str(base), str(most), *names], limits)
    if "refused" in told:
        raise lora.BadAdapter(told["refused"])
    return lora.Lora(told["rank"], told["alpha"], tuple(told["modules"]))


def _asked(order: list[str], limits: Limits) -> Mapping[str, Any]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        try:
            argv = [sys.executable, "-P", "-m", "appliance.catalog.confined", *order]
            child = spawn(argv, name="catalog-reader", env=plain(), limits=limits, streams={"stdout": writing}, grace=0)
        except ChildNotStarted as error:
            raise Broken(str(error)) from error
        finally:
            os.close(writing)
        with child:
            raw = pipe.read(_LONGEST_ANSWER)
            try:
                child.wait(_SECONDS)
            except ChildStillRunning as error:
                raise Unreadable(f"{order[0]}: reading took longer than {_SECONDS:g} s") from error
    return _answer(order[0], raw)


def _answer(what: str, raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise Unreadable(f"the {what} could not be read within the limits of memory and time") from error
    if "unreadable" in found:
        raise Unreadable(found["unreadable"])
    return dict(found)


def answer(what: str, *order: str) -> Mapping[str, Any]:
    """What the child says."""
    if what == "weights":
        return {"dangers": verify.dangers(Path(order[0]))[:_MOST_DANGERS]}
    directory, base, most, *names = order
    try:
        return asdict(_adapter(Path(directory), Path(base), int(most), names))
    except ApplianceError as error:
        return {"refused": error.detail}


def _adapter(directory: Path, base: Path, most: int, names: list[str]) -> lora.Lora:
    try:
        config = json.loads((directory / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise lora.BadAdapter("its configuration is not JSON") from error
    shapes = {tensor.name: tensor.shape for path in sorted(base.glob("*.safetensors")) for tensor in header.read(path)}
    found = lora.check(config, header.read(directory / ADAPTER_WEIGHTS), shapes, most)
    lora.same_base(config, names)
    return found


def main() -> int:
    """Answer on standard output, shut in with the directories that are read."""
    given = [path for path in map(Path, sys.argv[2:4]) if path.is_dir()]
    Walls((*code(), *given)).put_up()
    try:
        told = answer(*sys.argv[1:])
    except MemoryError:
        told = {"unreadable": f"the {sys.argv[1]} need more memory to be read than they may take"}
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
