"""A whole, tiny GGUF file becomes bfloat16 safetensors that load again, with a tokenizer that gives the text back."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter, TokenType
from safetensors import safe_open
from tokenizers import Tokenizer

WIDTH, HEADS, INNER, LENGTH = 32, 2, 64, 64
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def _write(path: Path) -> None:
    tokens = SPECIAL + [chr(code) for code in range(33, 127)] + ["Ġ", "ab"]
    kinds = [TokenType.CONTROL] * len(SPECIAL) + [TokenType.NORMAL] * (len(tokens) - len(SPECIAL))
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(LENGTH)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    shapes = {"token_embd.weight": (len(tokens), WIDTH), "output_norm.weight": (WIDTH,)}
    shapes |= {f"blk.0.{name}.weight": (WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
    shapes |= {f"blk.0.{name}.weight": (INNER, WIDTH) for name in ("ffn_gate", "ffn_up")}
    shapes |= {"blk.0.ffn_down.weight": (WIDTH, INNER)}
    shapes |= {f"blk.0.{name}.weight": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
    random = np.random.default_rng(1)
    for name, shape in shapes.items():
        writer.add_tensor(name, random.standard_normal(shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_gguf_file_becomes_safetensors_with_its_tokenizer(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    _write(tmp_path / "tiny.gguf")
    command = [sys.executable, "-m", "appliance.catalog.gguf", str(tmp_path / "tiny.gguf"), str(ready)]
    child = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    assert child.returncode == 0, child.stderr
    with safe_open(ready / "model.safetensors", "np") as weights:
        dtypes = {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118 - not a mapping
    assert dtypes == {"BF16"}
    assert "quantization_config" not in json.loads((ready / "config.json").read_text())
    assert TEMPLATE in (ready / "chat_template.jinja").read_text()
    tokenizer = Tokenizer.from_file(str(ready / "tokenizer.json"))
    assert tokenizer.decode(tokenizer.encode("abba").ids) == "abba"


@pytest.mark.counted
def test_without_its_two_arguments_it_says_how_to_call_it() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "appliance.catalog.gguf"], capture_output=True, text=True, check=False
    )
    assert child.returncode == 1
    assert "usage:" in child.stderr
