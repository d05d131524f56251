"""Write a small LoRA adapter for a model, to try adapters out without training one.

``python bin/sample_adapter.py MODEL DIRECTORY [--seed N]``: MODEL holds a base, DIRECTORY gets its files.
The weights are random and small, so answers stay sentences; another seed makes another adapter.
"""

import argparse
import json
import random
import struct
from pathlib import Path

RANK = 4
MODULES = ("q_proj", "v_proj")
SCALE = 0.02


def shapes(model: Path) -> dict[str, list[int]]:
    """The linear layers that the adapter is for, by name: their [out, in] in the base's weights."""
    found: dict[str, list[int]] = {}
    for file in sorted(model.glob("*.safetensors")):
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length))
        for name, tensor in header.items():
            if name.removesuffix(".weight").rpartition(".")[2] in MODULES:
                found[name.removesuffix(".weight")] = tensor["shape"]
    return found


def tensors(layers: dict[str, list[int]], dice: random.Random) -> dict[str, tuple[list[int], bytes]]:
    """Both matrices of each layer as little-endian float32."""
    found: dict[str, tuple[list[int], bytes]] = {}
    for name, (out, into) in layers.items():
        for part, shape in (("lora_A", [RANK, into]), ("lora_B", [out, RANK])):
            numbers = [dice.gauss(0, SCALE) for _ in range(shape[0] * shape[1])]
            found[f"base_model.model.{name}.{part}.weight"] = (shape, struct.pack(f"<{len(numbers)}f", *numbers))
    return found


def write(file: Path, whole: dict[str, tuple[list[int], bytes]]) -> None:
    """A safetensors file."""
    header, place = {}, 0
    for name, (shape, data) in whole.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    file.write_bytes(struct.pack("<Q", len(told)) + told + b"".join(data for _, data in whole.values()))


def main() -> None:
    """Write the adapter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": given.model.name,
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "target_modules": list(MODULES),
        "bias": "none",
        "modules_to_save": None,
        "use_dora": False,
    }
    (given.directory / "adapter_config.json").write_text(json.dumps(config))
    made = tensors(shapes(given.model), random.Random(given.seed))  # noqa: S311 - no secret
    write(given.directory / "adapter_model.safetensors", made)


if __name__ == "__main__":
    main()
