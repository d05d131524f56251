"""Directories of weights that are small, sealed and in good order, and ways to spoil them."""

import json
from pathlib import Path
from typing import Any

from appliance.catalog import manifest
from appliance.catalog.manifest import Kind

LANGUAGE, ENCODER = "tiny-instruct", "tiny-encoder"


def safetensors(header: Any, tensors: bytes = b"\0" * 8) -> bytes:  # noqa: ANN401 - whatever a test puts into it
    """A file with this header (JSON value or raw bytes) before these bytes of tensors."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + tensors


PLAIN = {"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"format": "pt"}}


def seal(directory: Path, kind: Kind = "language", languages: tuple[str, ...] = ("en",)) -> manifest.Manifest:
    """Write a manifest for what lies in a directory, whatever it is."""
    files = tuple(
        manifest.File(path.relative_to(directory).as_posix(), manifest.sha256(path), path.stat().st_size)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != manifest.NAME
    )
    sealed = manifest.Manifest(
        directory.name, kind, manifest.digest_of(files), files, languages, "Apache-2.0", "made by a test"
    )
    (directory / manifest.NAME).write_text(sealed.text())
    return sealed


def model(store: Path, name: str = LANGUAGE, kind: Kind = "language") -> Path:
    """A sealed directory ``<store>/<name>``."""
    directory = store / name
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps({"model_type": "llama", "name": name}))
    (directory / "model.safetensors").write_bytes(safetensors(PLAIN))
    if kind == "encoder":
        (directory / "1_Pooling").mkdir()
        (directory / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 384}))
        (directory / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 256}))
    seal(directory, kind)
    return directory


def store(path: Path) -> Path:
    """A model store with a language model and an encoder."""
    model(path)
    model(path, ENCODER, "encoder")
    return path
