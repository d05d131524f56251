"""What a model's config.json says of its size: the numbers that memory follows from. Pure.

Names differ between families; what of attention a configuration leaves out is as transformers' own defaults have it.
A multimodal model's numbers stand in its ``text_config``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.kit.errors import Refused

_GEMMA3_PATTERN: Final = 6
_MOST: Final = 1 << 24
"""No number of a configuration that this planner reads is larger."""


class ShapeUnknown(Refused):
    """The configuration does not say what a planner needs to know."""

    code = "model_shape_unknown"
    advice = "This planner knows decoder models with attention; deploy with settings of your own."


@dataclass(frozen=True, slots=True)
class Latent:
    """Multi-head latent attention (DeepSeek-V2, MiniCPM3): one compressed vector a token instead of keys and values."""

    rank: int
    rope: int
    nope: int
    value: int
    query_rank: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """Counts of a decoder model. ``windows``: for each layer its sliding window in tokens, None: it sees all.

    ``experts`` of which each is ``expert`` wide, in ``sparse`` of the layers; ``context``: positions it was made for.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    vocabulary: int
    tied: bool
    context: int
    windows: tuple[int | None, ...]
    latent: Latent | None = None
    experts: int = 0
    expert: int = 0
    sparse: int = 0

    @property
    def parameters(self) -> int:
        """Weights of the decoder, counted without biases and norms (below .1 % of any)."""
        return self.embeddings + self.linear

    @property
    def embeddings(self) -> int:
        """Of the vocabulary, in and out; quantisation leaves them as they are."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def linear(self) -> int:
        """Of the linear layers, which quantisation makes smaller."""
        dense = (self.layers - self.sparse) * 3 * self.hidden * self.inner
        mixed = self.sparse * self.experts * 3 * self.hidden * self.expert
        return self.layers * self._attention + dense + mixed

    @property
    def _attention(self) -> int:
        if self.latent is None:
            return self.hidden * self.head * (2 * self.heads + 2 * self.kv_heads)
        latent = self.latent
        wide = self.heads * (latent.nope + latent.rope)
        query = self.hidden * wide
        if latent.query_rank:
            query = latent.query_rank * (self.hidden + wide)
        keys = self.hidden * (latent.rank + latent.rope) + latent.rank * self.heads * (latent.nope + latent.value)
        return query + keys + self.heads * latent.value * self.hidden


def of(config: Mapping[str, Any]) -> Shape:
    """The shape in a configuration. Raises :class:`ShapeUnknown` naming what is missing or out of bounds."""
    inside = config.get("text_config")
    told: Mapping[str, Any] = {**config, **inside} if isinstance(inside, dict) else config
    layers, hidden = _count(told, "num_hidden_layers"), _count(told, "hidden_size")
    heads = _count(told, "num_attention_heads")
    kv_heads = _count(told, "num_key_value_heads", _count(told, "multi_query_group_num", heads))
    context = _count(told, "max_position_embeddings", _count(told, "seq_length", 2048))
    inner = _count(told, "intermediate_size", _count(told, "ffn_hidden_size", 4 * hidden))
    experts = _count(told, "n_routed_experts", _count(told, "num_local_experts", _count(told, "num_experts", 0)))
    first_dense = _count(told, "first_k_dense_replace", 0)
    return Shape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head=_count(told, "head_dim", _count(told, "kv_channels", hidden // heads)),
        inner=inner,
        vocabulary=_count(told, "vocab_size", _count(told, "padded_vocab_size", 0)),
        tied=bool(told.get("tie_word_embeddings", str(told.get("model_type", "")).startswith("gemma"))),
        context=context,
        windows=_windows(told, layers),
        latent=_latent(told),
        experts=experts + _count(told, "n_shared_experts", 0) if experts else 0,
        expert=_count(told, "moe_intermediate_size", inner),
        sparse=layers - first_dense if experts else 0,
    )


def _count(told: Mapping[str, Any], name: str, otherwise: int | None = None) -> int:
    value = told.get(name)
    if value is None and otherwise is not None:
        return otherwise
    least = 0 if otherwise == 0 else 1
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
        raise ShapeUnknown(f"{name} is {value!r}")
    return value


def _latent(told: Mapping[str, Any]) -> Latent | None:
    if told.get("kv_lora_rank") is None:
        return None
    rank = told.get("q_lora_rank")
    return Latent(
        rank=_count(told, "kv_lora_rank"),
        rope=_count(told, "qk_rope_head_dim"),
        nope=_count(told, "qk_nope_head_dim"),
        value=_count(told, "v_head_dim"),
        query_rank=_count(told, "q_lora_rank") if rank is not None else None,
    )


def _windows(told: Mapping[str, Any], layers: int) -> tuple[int | None, ...]:
    """Which layers see only a window. vLLM goes by ``layer_types``, which transformers fills in where it is absent."""
    window = told.get("sliding_window")
    if not window:
        return (None,) * layers
    size = _count(told, "sliding_window")
    kinds = told.get("layer_types") or _kinds(told, layers)
    if len(kinds) != layers:
        raise ShapeUnknown(f"layer_types names {len(kinds)} layers of {layers}")
    return tuple(size if kind == "sliding_attention" else None for kind in kinds)


def _kinds(told: Mapping[str, Any], layers: int) -> list[str]:
    family = str(told.get("model_type", ""))
    sliding, full = "sliding_attention", "full_attention"
    if family.startswith("gemma3"):
        every = _count(told, "sliding_window_pattern", _GEMMA3_PATTERN)
        return [full if (layer + 1) % every == 0 else sliding for layer in range(layers)]
    if family == "gemma2":
        return [full if layer % 2 else sliding for layer in range(layers)]
    if family.startswith(("qwen2", "qwen3")):
        first = _count(told, "max_window_layers", layers) if told.get("use_sliding_window") else layers
        return [sliding if layer >= first else full for layer in range(layers)]
    if family in ("mistral", "mixtral"):
        return [sliding] * layers
    return [full] * layers
