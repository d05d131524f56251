"""An adapter that no engine could load, or that would load onto nothing, is refused before it is kept."""

from collections.abc import Callable
from typing import Any

import pytest

from appliance.catalog.header import Tensor
from appliance.catalog.lora import LARGEST_RANK, BadAdapter, Lora, check, same_base
from tests.factories.lora import BASE, CONFIG, SHAPES, matrices

Q = "base_model.model.model.layers.0.self_attn.q_proj"


def tensors(shapes: dict[str, tuple[int, ...]], dtype: str = "F32") -> list[Tensor]:
    return [Tensor(name, dtype, shape, 0, 0) for name, shape in shapes.items()]


def test_a_plain_adapter_is_understood() -> None:
    assert check(dict(CONFIG), tensors(matrices()), SHAPES, LARGEST_RANK) == Lora(2, 4.0, ("q_proj", "v_proj"))
    pattern = {**CONFIG, "target_modules": ".*_proj"}
    assert check(pattern, tensors(matrices()), SHAPES, 2).rank == 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"peft_type": "IA3"}, "not that of a LoRA"),
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "bias 'all'"),
        ({"lora_bias": True}, "lora_bias"),
        ({"rank_pattern": {"q_proj": 4}}, "rank_pattern"),
        ({"alpha_pattern": {"q_proj": 4}}, "alpha_pattern"),
        ({"fan_in_fan_out": True}, "transposed"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"trainable_token_indices": [1]}, "trained tokens"),
        ({"auto_map": {"AutoModel": "evil.Model"}}, "Python code"),
        ({"r": LARGEST_RANK + 1}, "does not lie between"),
        ({"r": 0}, "does not lie between"),
        ({"r": True}, "does not lie between"),
        ({"r": "2"}, "does not lie between"),
        ({"r": 4}, "has the shape"),
        ({"lora_alpha": 0}, "no positive number"),
        ({"lora_alpha": float("inf")}, "no positive number"),
        ({"lora_alpha": float("nan")}, "no positive number"),
        ({"lora_alpha": None}, "no positive number"),
        ({"target_modules": ["q_proj"]}, "does not name v_proj"),
    ],
)
def test_a_setting_that_cannot_be_served_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(BadAdapter, match=named):
        check({**CONFIG, **change}, tensors(matrices()), SHAPES, LARGEST_RANK)


@pytest.mark.parametrize("config", [None, [], "LORA", {}, 3])
def test_what_is_no_configuration_is_refused(config: object) -> None:
    with pytest.raises(BadAdapter, match="not that of a LoRA"):
        check(config, tensors(matrices()), SHAPES, LARGEST_RANK)


def renamed(name: str) -> Callable[[dict[str, tuple[int, ...]]], None]:
    def change(shapes: dict[str, tuple[int, ...]]) -> None:
        shapes[name] = shapes.pop(f"{Q}.lora_A.weight")

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (renamed("base_model.model.lm_head.weight"), "no matrix of a LoRA"),
        (renamed(f"{Q}.lora_embedding_A"), "no matrix of a LoRA"),
        (renamed(f"{Q}.lora_magnitude_vector.weight"), "no matrix of a LoRA"),
        (renamed("base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight"), "one of the two"),
        (renamed("base_model.model.model.layers.0.input_layernorm.lora_A.weight"), "one of the two"),
        (lambda shapes: shapes.pop(f"{Q}.lora_A.weight"), "one of the two"),
        (lambda shapes: shapes.update({f"{Q}.lora_A.weight": (2, 9)}), "has the shape"),
        (lambda shapes: shapes.update({f"{Q}.lora_B.weight": (9, 2)}), "has the shape"),
        (lambda shapes: shapes.clear(), "no matrices"),
    ],
)
def test_tensors_that_do_not_fit_the_base_are_named(
    change: Callable[[dict[str, tuple[int, ...]]], object], named: str
) -> None:
    shapes = matrices()
    change(shapes)
    with pytest.raises(BadAdapter, match=named):
        check(dict(CONFIG), tensors(shapes), SHAPES, LARGEST_RANK)


def test_a_module_that_the_base_does_not_have_is_no_target() -> None:
    with pytest.raises(BadAdapter, match=r"the base has no linear module 'model\.layers\.1\.mlp'"):
        check(dict(CONFIG), tensors(matrices(shapes={"model.layers.1.mlp.weight": (8, 8)})), SHAPES, LARGEST_RANK)
    norm: dict[str, tuple[int, ...]] = {
        f"base_model.model.model.layers.0.input_layernorm.lora_{side}.weight": (8, 2) for side in "AB"
    }
    with pytest.raises(BadAdapter, match="no linear module"):
        check(dict(CONFIG), tensors(norm), SHAPES, LARGEST_RANK)


def test_integers_are_no_weights() -> None:
    with pytest.raises(BadAdapter, match="I8"):
        check(dict(CONFIG), tensors(matrices(), "I8"), SHAPES, LARGEST_RANK)


@pytest.mark.parametrize("told", [None, "", BASE, f"hub/{BASE.upper()}", f"/store/{BASE}/"])
def test_the_base_that_an_adapter_names_is_its_base(told: str | None) -> None:
    same_base({"base_model_name_or_path": told}, [f"hub/{BASE}"])


def test_an_adapter_of_another_base_is_refused() -> None:
    with pytest.raises(BadAdapter, match="trained on 'hub/other'"):
        same_base({"base_model_name_or_path": "hub/other"}, [BASE, "hub/third"])
