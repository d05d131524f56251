"""A tiny cross-encoder with random weights, made in a child, so that torch goes with it.

``python -m tests.factories.cross DIRECTORY ENCODER``: its tokenizer is that of ENCODER, a directory of MiniLM.
"""

import shutil
import subprocess
import sys
from pathlib import Path


def build(directory: Path, encoder: Path) -> None:
    """All of it."""
    command = [sys.executable, "-m", "tests.factories.cross", str(directory), str(encoder)]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])


def _write(directory: Path, encoder: Path) -> None:
    import torch  # noqa: PLC0415 - the child's alone
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification  # noqa: PLC0415 - the same

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(AutoTokenizer.from_pretrained(encoder)),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        num_labels=1,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(encoder / name, directory / name)


if __name__ == "__main__":
    _write(Path(sys.argv[1]), Path(sys.argv[2]))
