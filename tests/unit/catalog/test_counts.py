"""How many parameters an entry has: counted again from the shapes that were read, or from the weights themselves."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.catalog import entry, header
from appliance.catalog.entry import Counted

ROOT = Path(__file__).parents[3]
STORE = Path(os.environ.get("APPLIANCE_MODELS", ROOT / ".cache" / "models"))
INSTALLED = ("all-minilm-l6-v2", "smollm2-135m-instruct")


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder as the cited source gives it; ``head`` 0: hidden over heads. ``norms``: vectors of a layer.

    ``tied``: one matrix for the vocabulary in and out; ``biased``: queries, keys and values have biases; ``normed``:
    queries and keys have a norm; ``shifted``: a norm has a bias.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    head: int = 0
    tied: bool = False
    biased: bool = False
    normed: bool = False
    norms: int = 2
    shifted: bool = False

    @property
    def parameters(self) -> int:
        """All of its weights, biases and norms too."""
        head = self.head or self.hidden // self.heads
        wide = head * (self.heads + 2 * self.kv_heads)
        attention = self.hidden * (wide + head * self.heads) + (wide if self.biased else 0)
        norm = self.hidden * (2 if self.shifted else 1)
        layer = attention + 3 * self.hidden * self.inner + self.norms * norm + (2 * head if self.normed else 0)
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.layers * layer + norm


@dataclass(frozen=True, slots=True)
class Scaled:
    """OpenELM: its layers grow with their depth, queries from half to all of the width, the inner from .5 to 4."""

    layers: int
    hidden: int
    head: int
    group: int = 4
    vocabulary: int = 32000

    @property
    def parameters(self) -> int:
        """All of its weights; queries and keys have norms, the vocabulary is tied."""
        return (self.vocabulary + 1) * self.hidden + sum(self._layer(place) for place in range(self.layers))

    def _layer(self, place: int) -> int:
        deep = place / (self.layers - 1)
        heads = _multiple(self.hidden * round(0.5 + 0.5 * deep, 2), self.head * self.group) // self.head
        inner = _multiple(self.hidden * round(0.5 + 3.5 * deep, 2), 256)
        wide = self.head * (heads + 2 * (heads // self.group))
        return self.hidden * (wide + heads * self.head + 3 * inner + 2) + 2 * self.head


@dataclass(frozen=True, slots=True)
class Latent:
    """MiniCPM3: queries, and keys with values, go through a narrow vector each; the vocabulary is tied."""

    layers: int
    hidden: int
    heads: int
    inner: int
    vocabulary: int
    queries: int
    keys: int
    plain: int
    turned: int

    @property
    def parameters(self) -> int:
        """All of its weights, the norms of the narrow vectors too."""
        value = self.hidden // self.heads
        queries = (self.hidden + 1 + self.heads * (self.plain + self.turned)) * self.queries
        keys = self.hidden * (self.keys + self.turned) + (1 + self.heads * (self.plain + value)) * self.keys
        layer = queries + keys + self.heads * value * self.hidden + (3 * self.inner + 2) * self.hidden
        return (self.vocabulary + 1) * self.hidden + self.layers * layer


@dataclass(frozen=True, slots=True)
class Encoder:
    """BERT and XLM-RoBERTa, of ``places`` positions and ``kinds`` of token; ``scores``: it has a score for a pair.

    A pooler, or the dense layer of the same size before the score; biases and shifted norms throughout.
    """

    layers: int
    hidden: int
    inner: int
    vocabulary: int
    places: int
    kinds: int
    scores: bool = False

    @property
    def parameters(self) -> int:
        """All of its weights."""
        square = self.hidden * (self.hidden + 1)
        layer = 4 * square + 2 * self.hidden * self.inner + self.inner + 5 * self.hidden
        tables = (self.vocabulary + self.places + self.kinds + 2) * self.hidden
        return tables + self.layers * layer + square + (self.hidden + 1 if self.scores else 0)


def _multiple(value: float, of: int) -> int:
    """The nearest multiple, the next one where that is a tenth too small."""
    found = max(of, int(value + of / 2) // of * of)
    return found + of if found < 0.9 * value else found


SHAPES: dict[str, Decoder | Scaled | Latent | Encoder] = {
    "bge-large-zh-v1.5": Encoder(24, 1024, 4096, 21128, 512, 2),
    "bge-m3": Encoder(24, 1024, 4096, 250002, 8194, 1),
    "bge-reranker-v2-m3": Encoder(24, 1024, 4096, 250002, 8194, 1, scores=True),
    "bge-small-zh-v1.5": Encoder(4, 512, 2048, 21128, 512, 2),
    "chatglm3-6b": Decoder(28, 4096, 32, 2, 13696, 65024, biased=True),
    "deepseek-r1-distill-llama-8b": Decoder(32, 4096, 32, 8, 14336, 128256),
    "gemma-2-9b-it": Decoder(42, 3584, 16, 8, 14336, 256000, head=256, tied=True, norms=4),
    "gemma-7b-it": Decoder(28, 3072, 16, 16, 24576, 256000, head=256, tied=True),
    "glm-4-9b-chat": Decoder(40, 4096, 32, 2, 13696, 151552, biased=True),
    "internlm2.5-7b-chat": Decoder(32, 4096, 32, 8, 14336, 92544),
    "llama-3.1-8b-instruct": Decoder(32, 4096, 32, 8, 14336, 128256),
    "llama-3.2-1b-instruct": Decoder(16, 2048, 32, 8, 8192, 128256, tied=True),
    "llama-3.2-3b-instruct": Decoder(28, 3072, 24, 8, 8192, 128256, tied=True),
    "minicpm3-4b": Latent(62, 2560, 40, 6400, 73448, queries=768, keys=256, plain=64, turned=32),
    "minicpm-2b-sft": Decoder(40, 2304, 36, 36, 5760, 122753, tied=True),
    "mistral-7b-instruct-v0.3": Decoder(32, 4096, 32, 8, 14336, 32768),
    "mistral-nemo-instruct-2407": Decoder(40, 5120, 32, 8, 14336, 131072, head=128),
    "openelm-270m-instruct": Scaled(16, 1280, 64),
    "openelm-450m-instruct": Scaled(20, 1536, 64),
    "openelm-1.1b-instruct": Scaled(28, 2048, 64),
    "openelm-3b-instruct": Scaled(36, 3072, 128),
    "orion-14b-chat": Decoder(40, 5120, 40, 40, 15360, 84608, shifted=True),
    "phi-3-mini-4k-instruct": Decoder(32, 3072, 32, 32, 8192, 32064),
    "phi-4": Decoder(40, 5120, 40, 10, 17920, 100352),
    "qwen2.5-0.5b-instruct": Decoder(24, 896, 14, 2, 4864, 151936, tied=True, biased=True),
    "qwen2.5-1.5b-instruct": Decoder(28, 1536, 12, 2, 8960, 151936, tied=True, biased=True),
    "qwen2.5-3b-instruct": Decoder(36, 2048, 16, 2, 11008, 151936, tied=True, biased=True),
    "qwen2.5-7b-instruct": Decoder(28, 3584, 28, 4, 18944, 152064, biased=True),
    "qwen2.5-14b-instruct": Decoder(48, 5120, 40, 8, 13824, 152064, biased=True),
    "qwen3-0.6b": Decoder(28, 1024, 16, 8, 3072, 151936, head=128, tied=True, normed=True),
    "qwen3-1.7b": Decoder(28, 2048, 16, 8, 6144, 151936, tied=True, normed=True),
    "qwen3-4b": Decoder(36, 2560, 32, 8, 9728, 151936, head=128, tied=True, normed=True),
    "qwen3-8b": Decoder(36, 4096, 32, 8, 12288, 151936, normed=True),
    "qwen3-14b": Decoder(40, 5120, 40, 8, 17408, 151936, normed=True),
    "qwen3-embedding-0.6b": Decoder(28, 1024, 16, 8, 3072, 151669, head=128, tied=True, normed=True),
    "smollm2-1.7b-instruct": Decoder(24, 2048, 32, 32, 8192, 49152, tied=True),
}
"""As their sources have them, but for ``tied`` where those say nothing: untied they would outgrow their names."""


@pytest.mark.parametrize("name", SHAPES)
def test_a_count_that_was_checked_follows_from_the_shape(name: str) -> None:
    found = entry.one(name)
    assert isinstance(found.counted, Counted)
    assert "gives the shape" in found.counted.source
    assert found.parameters == SHAPES[name].parameters


@pytest.mark.parametrize("name", INSTALLED)
def test_the_weights_that_are_here_have_as_many_as_their_entry_says(name: str) -> None:
    files = sorted((STORE / name).glob("*.safetensors"))
    if not files:
        pytest.skip("the models were not installed: make setup")
    tensors = [tensor for file in files for tensor in header.read(file) if not tensor.name.endswith("position_ids")]
    assert entry.one(name).parameters == sum(math.prod(tensor.shape) for tensor in tensors)


def test_every_other_count_is_called_unverified() -> None:
    checked = {name for name, found in entry.load().items() if found.counted != "unverified"}
    assert checked == {*SHAPES, *INSTALLED}
