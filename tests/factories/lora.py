"""Small LoRA adapters and a base that they fit, and real ones for SmolLM2, written without a trainer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.catalog import header, manifest
from tests.factories import models

BASE = "tiny-base"
SHAPES = {
    "model.layers.0.self_attn.q_proj.weight": (8, 8),
    "model.layers.0.self_attn.v_proj.weight": (4, 8),
    "model.layers.0.input_layernorm.weight": (8,),
}
CONFIG: Mapping[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": f"some/{BASE}",
    "r": 2,
    "lora_alpha": 4,
    "target_modules": ["q_proj", "v_proj"],
    "bias": "none",
    "modules_to_save": None,
    "use_dora": False,
}


def weights(shapes: Mapping[str, tuple[int, ...]], fill: bytes = b"\0\0\0\0") -> bytes:
    """A safetensors file of float32 tensors with these shapes; ``fill``, again and again, are the numbers' bytes."""
    told, place = {}, 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        told[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    return models.safetensors(told, (fill * (place // len(fill) + 1))[:place])


def base(store: Path, name: str = BASE) -> Path:
    """A sealed language model ``<store>/<name>`` with two linear layers."""
    directory = models.model(store, name)
    (directory / "model.safetensors").write_bytes(weights(SHAPES))
    models.seal(directory)
    return directory


def matrices(rank: int = 2, shapes: Mapping[str, tuple[int, ...]] = SHAPES) -> dict[str, tuple[int, ...]]:
    """The names and shapes of an adapter's tensors for the linear layers among these."""
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        if len(shape) == 2:
            module = f"base_model.model.{name.removesuffix('.weight')}"
            found[f"{module}.lora_A.weight"] = (rank, shape[1])
            found[f"{module}.lora_B.weight"] = (shape[0], rank)
    return found


def adapter(
    directory: Path, tensors: Mapping[str, tuple[int, ...]] | None = None, fill: bytes = b"\0\0\0\0", **config: object
) -> Path:
    """A directory with an adapter's two files; ``fill`` makes its weights, and so its digest, differ."""
    directory.mkdir(parents=True)
    (directory / "adapter_config.json").write_text(json.dumps({**CONFIG, **config}))
    (directory / "adapter_model.safetensors").write_bytes(weights(matrices() if tensors is None else tensors, fill))
    return directory


def smollm2(
    directory: Path,
    model: Path,
    rank: int = 8,
    kinds: tuple[str, ...] = ("q_proj", "v_proj"),
    fill: bytes = b"\0\0\0\0",
) -> Path:
    """An adapter of the right shapes for a real model; with weights of zero, the default, it changes no answer."""
    real = {t.name: t.shape for t in header.read(model / "model.safetensors")}
    chosen = {name: shape for name, shape in real.items() if name.removesuffix(".weight").rpartition(".")[2] in kinds}
    named = manifest.read(model).name
    return adapter(
        directory,
        matrices(rank, chosen),
        fill,
        r=rank,
        target_modules=list(kinds),
        base_model_name_or_path=named,
    )
