"""How near the planner's count of tokens comes to what the real vLLM reports, on this machine's processor.

``make bench-fit``: for each model a real engine starts (random weights) with a cache of 1 GiB, says how many tokens
that holds, and ends; SmolLM2 as it lies in the store. Bound: 5 % for each. ``--only NAME`` for one of them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from appliance.catalog import cache, shape
from appliance.catalog.cache import Engine
from appliance.catalog.fit import GIB
from bench.report import orderly

BOUND: Final = 0.05
CACHE_GIB: Final = 1
BATCHED: Final = 2048
_SMALL: Final = {
    "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 6, "num_attention_heads": 8,
    "num_key_value_heads": 2, "vocab_size": 1024, "max_position_embeddings": 8192, "dtype": "bfloat16",
    "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
}  # fmt: skip
_GEMMA: Final = {"head_dim": 64, "sliding_window": 512, "query_pre_attn_scalar": 64, "tie_word_embeddings": True}
MODELS: Final[dict[str, dict[str, Any]]] = {
    "llama, grouped heads": {"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
    "qwen2, odd layers": {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "num_hidden_layers": 7, "num_key_value_heads": 4,
        "sliding_window": 1024, "use_sliding_window": False, "max_window_layers": 7,
    },
    "gemma2, every second layer a window": {"architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", **_GEMMA},
    "gemma3, five windows to one": {
        "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", **_GEMMA, "num_hidden_layers": 12,
    },
    "mistral, windows alone": {
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "head_dim": 32, "sliding_window": 512,
    },
    "deepseek-v2, latent attention": {
        "architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "num_key_value_heads": 8,
        "kv_lora_rank": 512, "q_lora_rank": None, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
        "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "moe_intermediate_size": 128,
        "first_k_dense_replace": 1, "topk_method": "greedy", "n_group": 1, "topk_group": 1, "norm_topk_prob": False,
        "routed_scaling_factor": 1.0, "scoring_func": "softmax",
    },
}  # fmt: skip
REAL: Final = "smollm2-135m-instruct"
CONTEXTS: Final = {REAL: (4096,), "gemma2, every second layer a window": (4096, 8192)}


def ours(config: dict[str, Any], context: int) -> int:
    """Tokens as the planner counts them."""
    engine = Engine("cpu", context, 2, 1, BATCHED)
    return cache.capacity(shape.of(config), engine, CACHE_GIB * GIB)


def theirs(directory: Path, context: int) -> dict[str, Any]:
    """Tokens as vLLM reports them."""
    argv = [sys.executable, "-m", "bench.fit.engine", str(directory), str(context), str(CACHE_GIB), str(BATCHED)]
    child = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=900)
    told = [line for line in child.stdout.splitlines() if line.startswith("FIT ")]
    if not told:
        raise SystemExit(f"vLLM did not start on {directory.name}: {child.stderr[-2000:]}")
    return dict(json.loads(told[0].removeprefix("FIT ")))


def main() -> int:
    """Measure; the exit code is 1 when one is outside the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", action="append")
    given = parser.parse_args()
    orderly()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for directory in _directories(Path(scratch)):
            if given.only and directory.name not in given.only:
                continue
            config = json.loads((directory / "config.json").read_text())
            for context in CONTEXTS.get(directory.name, (4096,)):
                vllm = theirs(directory, context)
                told = {
                    "name": f"{directory.name} at {context}",
                    "ours": ours(config, context),
                    "other": vllm["tokens"],
                }
                told["ratio"] = round(told["ours"] / told["other"], 4)
                rows.append({**told, "vllm": vllm["vllm"]})
                if not given.json:
                    print(f"{told['name']}\t{told['ours']}\t{told['other']}\t{told['ratio']}", flush=True)
    if given.json:
        print(json.dumps({"bench": "fit", "rows": rows}))
    return int(any(abs(row["ratio"] - 1) > BOUND for row in rows))


def _directories(scratch: Path) -> list[Path]:
    made = [Path(os.environ["APPLIANCE_MODELS"]) / REAL]
    for name, config in MODELS.items():
        (scratch / name).mkdir()
        (scratch / name / "config.json").write_text(json.dumps({**_SMALL, **config}))
        made.append(scratch / name)
    return made


if __name__ == "__main__":
    sys.exit(main())
