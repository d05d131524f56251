"""Whether a model fits: shapes read from configurations, vLLM's arithmetic of its cache, plans and the nearest ones."""

from typing import Any

import pytest

from appliance.catalog import cache, fit, shape
from appliance.catalog.cache import Engine
from appliance.catalog.fit import GIB, BadMachine, Machine, Wish, plan
from appliance.catalog.shape import ShapeUnknown
from appliance.drivers.vllm.arguments import parse

SMOLLM2 = {
    "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "vocab_size": 49152,
    "max_position_embeddings": 8192, "tie_word_embeddings": True,
}  # fmt: skip
LLAMA_8B = {
    "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}  # fmt: skip
QWEN_7B = {
    "model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
    "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064, "max_position_embeddings": 32768,
    "sliding_window": 131072, "use_sliding_window": False, "max_window_layers": 28,
}  # fmt: skip
GEMMA2_9B = {
    "model_type": "gemma2", "hidden_size": 3584, "intermediate_size": 14336, "num_hidden_layers": 42,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256, "vocab_size": 256000,
    "max_position_embeddings": 8192, "sliding_window": 4096,
}  # fmt: skip
PHI4 = {
    "model_type": "phi3", "hidden_size": 5120, "intermediate_size": 17920, "num_hidden_layers": 40,
    "num_attention_heads": 40, "num_key_value_heads": 10, "vocab_size": 100352, "max_position_embeddings": 16384,
    "sliding_window": None,
}  # fmt: skip
DEEPSEEK_V2_LITE = {
    "model_type": "deepseek_v2", "hidden_size": 2048, "intermediate_size": 10944, "num_hidden_layers": 27,
    "num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": 102400, "max_position_embeddings": 163840,
    "kv_lora_rank": 512, "q_lora_rank": None, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
    "n_routed_experts": 64, "n_shared_experts": 2, "moe_intermediate_size": 1408, "first_k_dense_replace": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "billions"),
    [
        (SMOLLM2, 0.134515),  # counted in its file
        (LLAMA_8B, 8.03),
        (QWEN_7B, 7.62),
        (GEMMA2_9B, 9.24),
        (PHI4, 14.66),
        (DEEPSEEK_V2_LITE, 15.7),
    ],
    ids=["smollm2", "llama-8b", "qwen2.5-7b", "gemma2-9b", "phi-4", "deepseek-v2-lite"],
)
def test_parameters_follow_from_the_configuration(config: dict[str, Any], billions: float) -> None:
    assert shape.of(config).parameters / 1e9 == pytest.approx(billions, rel=0.005)


@pytest.mark.parametrize(
    ("change", "windows"),
    [
        ({"model_type": "llama", "sliding_window": None}, [None] * 6),
        ({"model_type": "llama", "sliding_window": 64}, [None] * 6),
        ({"model_type": "mistral", "sliding_window": 64}, [64] * 6),
        ({"model_type": "gemma2", "sliding_window": 64}, [64, None] * 3),
        ({"model_type": "gemma3_text", "sliding_window": 64}, [64] * 5 + [None]),
        ({"model_type": "gemma3_text", "sliding_window": 64, "sliding_window_pattern": 3}, [64, 64, None] * 2),
        ({"model_type": "qwen2", "sliding_window": 64, "use_sliding_window": False}, [None] * 6),
        (
            {"model_type": "qwen2", "sliding_window": 64, "use_sliding_window": True, "max_window_layers": 4},
            [None] * 4 + [64] * 2,
        ),
        (
            {"model_type": "new", "sliding_window": 64, "layer_types": ["full_attention", "sliding_attention"] * 3},
            [None, 64] * 3,
        ),
    ],
)  # fmt: skip
def test_which_layers_see_a_window(change: dict[str, Any], windows: list[int | None]) -> None:
    assert list(shape.of({**LLAMA_8B, "num_hidden_layers": 6, **change}).windows) == windows


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": None}, {"num_hidden_layers": 0}, {"num_hidden_layers": "32"}, {"num_attention_heads": True},
        {"vocab_size": 1 << 40}, {"kv_lora_rank": -1}, {"sliding_window": 64, "layer_types": ["full_attention"]},
        {"num_key_value_heads": 1.5},
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_tell_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(ShapeUnknown):
        shape.of({**LLAMA_8B, **change})


def test_a_multimodal_model_s_numbers_stand_inside() -> None:
    inside = shape.of({"architectures": ["X"], "vision_config": {}, "text_config": LLAMA_8B})
    assert inside == shape.of(LLAMA_8B)
    chatglm = {
        "hidden_size": 4096, "num_layers": 28, "num_hidden_layers": 28, "num_attention_heads": 32,
        "multi_query_group_num": 2, "kv_channels": 128, "ffn_hidden_size": 13696, "padded_vocab_size": 65024,
        "seq_length": 32768,
    }  # fmt: skip
    found = shape.of(chatglm)
    assert (found.kv_heads, found.head, found.inner, found.vocabulary, found.context) == (2, 128, 13696, 65024, 32768)


ON_CPU = Engine("cpu", 4096, 2, 1, 2048)


def test_a_cache_holds_what_its_blocks_hold() -> None:
    small = shape.of(SMOLLM2)
    assert cache.token_bytes(small, ON_CPU) == 2 * 3 * 64 * 2
    assert cache.block_bytes(small, ON_CPU) == 30 * 128 * 768
    assert cache.capacity(small, ON_CPU, GIB) == GIB // (30 * 128 * 768) * 128
    assert cache.needed(small, ON_CPU, 1) == 32 * 30 * 128 * 768
    latent = shape.of(DEEPSEEK_V2_LITE)
    assert (cache.token_bytes(latent, ON_CPU), ON_CPU.block(latent)) == (576 * 2, 16)


def test_heads_are_shared_out_and_latent_vectors_are_not() -> None:
    two = Engine("cuda", 8192, 2, 2, 16384)
    sixteen = Engine("cuda", 8192, 2, 16, 16384)
    llama = shape.of(LLAMA_8B)
    assert cache.token_bytes(llama, two) == 2 * 4 * 128 * 2
    assert cache.token_bytes(llama, sixteen) == 2 * 1 * 128 * 2  # eight heads on sixteen cards: each is kept twice
    latent = shape.of(DEEPSEEK_V2_LITE)
    assert cache.token_bytes(latent, two) == cache.token_bytes(latent, ON_CPU)


def test_windows_make_room_for_more_tokens_where_they_are_shorter_than_the_context() -> None:
    long = Engine("cpu", 8192, 2, 1, 2048)
    narrow = shape.of({**GEMMA2_9B, "sliding_window": 512})
    plain = shape.of({**GEMMA2_9B, "sliding_window": None})
    assert cache.capacity(narrow, long, 8 * GIB) > 1.4 * cache.capacity(plain, long, 8 * GIB)
    # A window wider than the context costs one block more than none: it need not begin at a block's edge.
    wide = shape.of({**GEMMA2_9B, "sliding_window": 16384})
    assert cache.request_blocks(wide, long) == 2 * 64 + 1


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("24GB", Machine("cuda", 1, 24 * GIB)),
        ("1x24GB", Machine("cuda", 1, 24 * GIB)),
        ("2x80GB", Machine("cuda", 2, 80 * GIB)),
        ("1x12.5GB", Machine("cuda", 1, 25 * GIB // 2)),
        ("cpu:16GB", Machine("cpu", 1, 16 * GIB)),
    ],
)
def test_a_machine_is_written_in_a_word(text: str, machine: Machine) -> None:
    assert Machine.parse(text) == machine


@pytest.mark.parametrize("text", ["", "0x24GB", "24", "24MB", "-1x24GB", "2x", "cpu", "100x24GB", "1x24GB;ls"])
def test_what_is_no_machine_is_refused(text: str) -> None:
    with pytest.raises(BadMachine):
        Machine.parse(text)


# model, machine, context, concurrency, quantisation → fits; else of the nearest: context, concurrency, quantisation
TABLE = [
    (SMOLLM2, "cpu:4GB", 4096, 16, "none", None),
    (LLAMA_8B, "1x24GB", 8192, 2, "none", None),
    (LLAMA_8B, "1x24GB", 8192, 32, "none", (8192, 4, "none")),
    (LLAMA_8B, "1x24GB", 65536, 1, "none", (32768, 1, "none")),
    (LLAMA_8B, "1x16GB", 8192, 4, "none", (8192, 3, "fp8")),
    (LLAMA_8B, "1x10GB", 4096, 4, "none", (4096, 2, "awq")),
    (LLAMA_8B, "2x24GB", 8192, 16, "none", None),
    (QWEN_7B, "1x24GB", 8192, 8, "none", None),
    (QWEN_7B, "1x24GB", 65536, 1, "none", (32768, 1, "none")),
    (PHI4, "1x24GB", 8192, 4, "awq", None),
    (PHI4, "1x40GB", 8192, 2, "none", None),
    (GEMMA2_9B, "1x24GB", 8192, 1, "none", (4096, 1, "none")),
]


@pytest.mark.parametrize(
    ("config", "gpu", "context", "concurrency", "quantisation", "nearest"),
    TABLE,
    ids=[f"{row[0]['model_type']}-{row[0]['num_hidden_layers']}-{row[1]}-{row[2]}x{row[3]}-{row[4]}" for row in TABLE],
)
def test_plans(
    config: dict[str, Any],
    gpu: str,
    context: int,
    concurrency: int,
    quantisation: fit.Quantisation,
    nearest: tuple[int, int, str] | None,
) -> None:
    machine = Machine.parse(gpu)
    found = plan(shape.of(config), machine, Wish(context, concurrency, quantisation=quantisation))
    if nearest is None:
        assert found.fits, found.reasons
        best = found
    else:
        assert not found.fits
        assert found.nearest is not None
        best = found.nearest
        assert (best.wish.context, best.wish.concurrency, best.wish.quantisation) == nearest
    parts = best.weights + best.slots + best.activations + best.own + best.cache
    assert parts <= fit.SHARE * machine.memory
    assert best.expected >= best.wish.concurrency
    assert parse(best.engine).context == best.wish.context


def test_what_fits_nowhere_says_so_without_a_plan() -> None:
    found = plan(shape.of(PHI4), Machine.parse("1x4GB"), Wish(4096, 1))
    assert (found.fits, found.nearest) == (False, None)
    assert "too little for weights" in found.reasons[0]


def test_one_request_that_is_too_long_for_the_cache_is_a_reason_of_its_own() -> None:
    found = plan(shape.of(LLAMA_8B), Machine.parse("1x24GB"), Wish(131072, 1))
    assert "one request of 131072 tokens takes" in found.reasons[0]


def test_adapters_take_their_slots() -> None:
    llama = shape.of(LLAMA_8B)
    machine = Machine.parse("1x24GB")
    without, with_slots = (plan(llama, machine, Wish(4096, 4, slots=slots, rank=16)) for slots in (0, 8))
    # LoRA r 16 on all linear layers of Llama 8B has 41.9 million weights (peft counts them so)
    assert with_slots.slots == pytest.approx(8 * 2 * 41_943_040, rel=0.001)
    assert with_slots.cache == without.cache - with_slots.slots
    assert with_slots.engine["adapters"] == 8


def test_weights_on_disk_are_believed_over_the_configuration() -> None:
    llama = shape.of(LLAMA_8B)
    found = plan(llama, Machine.parse("1x24GB"), Wish(4096, 1), weights=5 * GIB)
    assert found.weights == 5 * GIB
    assert fit.weight_bytes(llama, "bfloat16", "none") == 2 * llama.parameters
    assert fit.weight_bytes(llama, "float32", "none") == 4 * llama.parameters
    assert fit.weight_bytes(llama, "bfloat16", "awq") < fit.weight_bytes(llama, "bfloat16", "fp8")
