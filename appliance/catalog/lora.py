"""Whether an adapter is one that an engine can load onto its base: decided purely, from what its two files say.

vLLM refuses DoRA, ``modules_to_save``, a bias and a rank over its limit, some of it only when the first request comes;
a module that the base does not have is passed over in silence. So all of it is decided at import, against the shapes in
the base's own weights, which hold for every architecture.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.catalog.header import Tensor
from appliance.kit.errors import Refused

LARGEST_RANK: Final = 64
"""Engines reserve memory for the largest rank in each of their slots."""
_MATRIX: Final = re.compile(r"base_model\.model\.(?P<module>[\w.]+)\.lora_(?P<side>[AB])\.weight")
_DTYPES: Final = frozenset({"F16", "BF16", "F32"})
_MUST_BE_EMPTY: Final = {
    "use_dora": "DoRA",
    "modules_to_save": "modules that are saved whole (modules_to_save)",
    "rank_pattern": "ranks that differ between modules (rank_pattern)",
    "alpha_pattern": "scales that differ between modules (alpha_pattern)",
    "lora_bias": "a bias (lora_bias)",
    "fan_in_fan_out": "transposed weights (fan_in_fan_out)",
    "layer_replication": "repeated layers (layer_replication)",
    "trainable_token_indices": "trained tokens (trainable_token_indices)",
    "auto_map": "Python code (auto_map)",
}


class BadAdapter(Refused):
    """The adapter is none that an engine could load onto this base."""

    code = "bad_adapter"
    advice = "Train plain LoRA on the linear layers of exactly this base version, and import it again."


@dataclass(frozen=True, slots=True)
class Lora:
    """What was found: rank, scale, and the kinds of module that are adapted (``q_proj``)."""

    rank: int
    alpha: float
    modules: tuple[str, ...]


def check(config: Any, tensors: Iterable[Tensor], base: Mapping[str, tuple[int, ...]], most: int) -> Lora:  # noqa: ANN401 - any JSON
    """The adapter with this configuration and these tensors; ``base``: shapes by name; ``most``: the largest rank.

    Raises :class:`BadAdapter` with what is wrong.
    """
    rank, alpha = _settings(config, most)
    pairs = _pairs(tensors)
    for module, sides in pairs.items():
        _fits(module, sides, base, rank)
    kinds = tuple(sorted({module.rpartition(".")[2] for module in pairs}))
    _named(kinds, config.get("target_modules"))
    return Lora(rank, alpha, kinds)


def same_base(config: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise unless the base that the adapter was trained on, where it names one, ends in one of these names."""
    told = config.get("base_model_name_or_path")
    called = str(told or "").rstrip("/").rpartition("/")[2].lower()
    accepted = {name.rpartition("/")[2].lower() for name in names}
    if called and called not in accepted:
        raise BadAdapter(f"the adapter was trained on {told!r}, not on {' or '.join(sorted(accepted))}")


def _settings(config: Any, most: int) -> tuple[int, float]:  # noqa: ANN401 - any JSON
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise BadAdapter("its configuration is not that of a LoRA adapter")
    for name, what in _MUST_BE_EMPTY.items():
        if config.get(name):
            raise BadAdapter(f"{what} cannot be served")
    if config.get("bias", "none") != "none":
        raise BadAdapter(f"bias {config['bias']!r} cannot be served, only 'none'")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 1 <= rank <= most:
        raise BadAdapter(f"rank {rank!r} does not lie between 1 and {most}")
    if not isinstance(alpha, int | float) or isinstance(alpha, bool) or not 0 < alpha < float("inf"):
        raise BadAdapter(f"lora_alpha {alpha!r} is no positive number")
    return rank, float(alpha)


def _pairs(tensors: Iterable[Tensor]) -> dict[str, dict[str, Tensor]]:
    pairs: dict[str, dict[str, Tensor]] = {}
    for tensor in tensors:
        found = _MATRIX.fullmatch(tensor.name)
        if found is None or tensor.dtype not in _DTYPES:
            raise BadAdapter(f"{tensor.name!r} ({tensor.dtype}) is no matrix of a LoRA adapter")
        pairs.setdefault(found["module"], {})[found["side"]] = tensor
    if not pairs:
        raise BadAdapter("it holds no matrices")
    return pairs


def _fits(module: str, sides: Mapping[str, Tensor], base: Mapping[str, tuple[int, ...]], rank: int) -> None:
    shape = base.get(f"{module}.weight")
    if shape is None or len(shape) != 2:  # noqa: PLR2004 - a linear layer is a matrix
        raise BadAdapter(f"the base has no linear module {module!r}")
    if set(sides) != {"A", "B"}:
        raise BadAdapter(f"of {module!r} one of the two matrices is missing")
    outputs, inputs = shape
    for side, wanted in (("A", (rank, inputs)), ("B", (outputs, rank))):
        if sides[side].shape != wanted:
            raise BadAdapter(f"lora_{side} of {module!r} has the shape {sides[side].shape}, the base asks for {wanted}")


def _named(kinds: Iterable[str], told: object) -> None:
    """What is adapted was announced; a pattern or "all-linear" announces what it likes."""
    if not isinstance(told, list):
        return
    announced = {str(name).rpartition(".")[2] for name in told}
    unannounced = sorted(set(kinds) - announced)
    if unannounced:
        raise BadAdapter(f"target_modules does not name {', '.join(unannounced)}")
