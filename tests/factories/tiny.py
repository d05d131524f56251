"""Tiny models for the real engine, one of each of three classes, made in one child, so that torch goes with it.

``python -m tests.factories.tiny DIRECTORY TOKENIZER`` writes a directory for each of :data:`CLASSES`. The first says
:data:`CALL` whatever it is asked; the others speak nonsense.
"""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Final

from bin import tiny_model

CLASSES: Final = ("Qwen3ForCausalLM", "Phi3ForCausalLM", "Gemma2ForCausalLM")
CALL: Final = ("<tool_call>", '{"name": "look", ', '"arguments": {"at": 1}}', "</tool_call>")
"""A call of a tool as the family of the first writes it, in four tokens of its own."""
_LOUD: Final = 5.0


def build(directory: Path, tokenizer: Path) -> None:
    """All of it."""
    command = [sys.executable, "-m", "tests.factories.tiny", str(directory), str(tokenizer)]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])


def _write(directory: Path, tokenizer: Path) -> None:
    own = directory / "tokenizer"
    numbers = _with_calls(tokenizer, own)
    first, *others = CLASSES
    tiny_model.write(first, directory / first, own)
    for other in others:
        tiny_model.write(other, directory / other, tokenizer)
    _says(directory / first, numbers)


def _with_calls(tokenizer: Path, own: Path) -> list[int]:
    """The tokenizer, with the tokens of :data:`CALL`; what is said, from a prompt's last token to the answer's end."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - the child's alone

    words = AutoTokenizer.from_pretrained(tokenizer)
    words.add_tokens(list(CALL))
    words.save_pretrained(own)
    return [*words.encode("\n"), *words.convert_tokens_to_ids(list(CALL)), words.eos_token_id]


def _says(model: Path, numbers: list[int]) -> None:
    """Its layers pass on what comes in, so that a token decides the next; the head is loud for those of the call."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - the child's alone

    file = model / "model.safetensors"
    weights = load_file(file)
    for name, weight in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weight.zero_()
    embedded, head = weights["model.embed_tokens.weight"], weights["lm_head.weight"]
    for this, following in itertools.pairwise(numbers):
        head[following] = _LOUD * embedded[this] / embedded[this].float().norm()
    save_file(weights, file, {"format": "pt"})


if __name__ == "__main__":
    _write(Path(sys.argv[1]), Path(sys.argv[2]))
