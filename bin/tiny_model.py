"""Write a tiny model with random weights of one architecture class that transformers itself ships.

``python -m bin.tiny_model CLASS DIRECTORY --tokenizer MODEL``: DIRECTORY gets weights, configuration, and the tokenizer
and chat template of MODEL. It speaks nonsense; what it shows is that the class can be imported and served.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

CONTEXT: Final = 1024
_COMMON: Final[dict[str, Any]] = {
    "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": CONTEXT, "dtype": "bfloat16", "initializer_range": 0.2,
}  # fmt: skip
_HEADS: Final[dict[str, Any]] = {"head_dim": 32}
CLASSES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "Gemma2ForCausalLM": ("gemma2", {**_HEADS, "sliding_window": 256, "query_pre_attn_scalar": 32}),
    "GemmaForCausalLM": ("gemma", _HEADS),
    "Glm4ForCausalLM": ("glm4", _HEADS),
    "GlmForCausalLM": ("glm", _HEADS),
    "LlamaForCausalLM": ("llama", {}),
    "MiniCPM3ForCausalLM": (
        "minicpm3",
        {
            "num_key_value_heads": 4, "q_lora_rank": 64, "kv_lora_rank": 32, "qk_nope_head_dim": 32,
            "qk_rope_head_dim": 32, "v_head_dim": 32,
        },
    ),
    "MistralForCausalLM": ("mistral", {**_HEADS, "sliding_window": None}),
    "Phi3ForCausalLM": ("phi3", {"sliding_window": None}),
    "Qwen2ForCausalLM": ("qwen2", {}),
    "Qwen3ForCausalLM": ("qwen3", _HEADS),
}  # fmt: skip
"""Class → transformers' name of its configuration, and what is its own of the shape."""
_TOKENIZER: Final = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def write(architecture: str, directory: Path, tokenizer: Path) -> None:
    """Make it; the same bytes every time."""
    import torch  # noqa: PLC0415 - whoever only asks which classes there are must not wait for it
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - as above

    torch.manual_seed(1)
    words = AutoTokenizer.from_pretrained(tokenizer)
    name, own = CLASSES[architecture]
    ends = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    config = AutoConfig.for_model(name, **{**_COMMON, "vocab_size": len(words), **ends, **own})
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    if type(model).__name__ != architecture:
        raise SystemExit(f"{name} makes a {type(model).__name__}, not a {architecture}")
    model.save_pretrained(directory)
    for file in _TOKENIZER:
        shutil.copyfile(tokenizer / file, directory / file)


def build(architecture: str, directory: Path, tokenizer: Path) -> None:
    """Make it in a process of its own, so that torch goes with it."""
    command = [sys.executable, "-m", "bin.tiny_model", architecture, str(directory), "--tokenizer", str(tokenizer)]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[1])


def main() -> None:
    """Write one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("architecture", choices=sorted(CLASSES))
    parser.add_argument("directory", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    given = parser.parse_args()
    write(given.architecture, given.directory, given.tokenizer)


if __name__ == "__main__":
    main()
