"""Turn a GGUF file into bfloat16 safetensors with its tokenizer, in a process of its own.

Run as ``python -m appliance.catalog.gguf SOURCE.gguf DIRECTORY`` by the set-up alone, on a file whose digest is
pinned: the catalogue itself takes safetensors only. The one module of the slice that imports torch; nothing imports it.
"""

import sys
from pathlib import Path

_WANTED = 3


def convert(source: Path, target: Path) -> None:
    """Write ``model.safetensors``, the configuration, the tokenizer and its chat template into ``target``."""
    import torch  # noqa: PLC0415 - eight seconds, for which who calls it wrongly need not wait
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig  # noqa: PLC0415 - the same

    folder, name = str(source.parent), source.name
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=name,
        dtype=torch.float32,
        quantization_config=GgufConfig(gguf_file=name, dequantize=True),
    ).to(torch.bfloat16)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config  # it would make the engine look for quantised tensors
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(target)


if __name__ == "__main__":
    if len(sys.argv) != _WANTED:
        sys.exit("usage: python -m appliance.catalog.gguf SOURCE.gguf DIRECTORY")
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
