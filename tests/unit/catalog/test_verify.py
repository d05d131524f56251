"""Only directories that hold what was installed, and no code, are run."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.catalog.manifest import NAME, BadManifest
from appliance.catalog.verify import Tampered, dangers, fingerprint, verified
from tests.factories.models import model, seal


def test_a_directory_as_installed_is_verified(tmp_path: Path) -> None:
    directory = model(tmp_path, "tiny-instruct", "encoder")  # which has a folder inside
    read = 0

    def seen(count: int) -> None:
        nonlocal read
        read += count

    found = verified(directory, seen)
    assert found.manifest.name == "tiny-instruct"
    assert found.directory == directory
    assert read == found.manifest.size


def flip(directory: Path) -> None:
    path = directory / "model.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def rewrite_manifest(directory: Path) -> None:
    told = json.loads((directory / NAME).read_text())
    told["digest"] = "0" * 64
    (directory / NAME).write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (flip, "model.safetensors does not have its recorded digest"),
        (lambda path: (path / "config.json").unlink(), "config.json is missing"),
        (lambda path: (path / "extra.txt").write_text("x"), "extra.txt is not in the manifest"),
        (rewrite_manifest, "own digest"),
        (lambda path: (path / "model.py").write_text("x"), "model.py"),
        (lambda path: (path / "link.txt").symlink_to("/etc/passwd"), "link.txt"),
    ],
    ids=["a flipped bit", "a missing file", "an added file", "a rewritten digest", "added code", "a link"],
)
def test_what_differs_from_the_installed_is_named(tmp_path: Path, spoil: Callable[[Path], object], named: str) -> None:
    directory = model(tmp_path)
    spoil(directory)
    with pytest.raises(Tampered, match=named):
        verified(directory)


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("config.json", '{"auto_map": {"AutoModel": "evil.Model"}}', "auto_map"),
        ("tokenizer_config.json", '{"a": [{"b": {"auto_map": {}}}]}', "auto_map"),
        ("config.json", '{"trust_remote_code": true}', "auto_map"),
        ("config.json", "{", "is not JSON"),
        ("config.json", "[" * 100_000, "is not JSON"),
        ("model.safetensors", "cos\nsystem\n(S'true'\ntR.", "model.safetensors: a header"),
        ("modules.json", '[{"type": "antigravity.Model"}]', "modules.json names a module"),
        ("modules.json", '{"type": "sentence_transformers.models.Pooling"}', "modules.json names a module"),
        ("weights.gguf", "GGUF", "weights.gguf is not a kind of file"),
        ("setup.sh", "true", "setup.sh is not a kind of file"),
    ],
)
def test_sealed_danger_is_danger_all_the_same(tmp_path: Path, name: str, content: str, named: str) -> None:
    directory = model(tmp_path)
    (directory / name).write_text(content)
    seal(directory)
    with pytest.raises(Tampered, match=named):
        verified(directory)


def test_an_encoder_of_its_library_s_own_parts_is_accepted(tmp_path: Path) -> None:
    directory = model(tmp_path, "tiny-encoder", "encoder")
    (directory / "modules.json").write_text('[{"type": "sentence_transformers.models.Pooling"}]')
    seal(directory, "encoder")
    assert verified(directory).manifest.kind == "encoder"


def test_a_device_or_pipe_among_weights_is_danger(tmp_path: Path) -> None:
    directory = model(tmp_path)
    os.mkfifo(directory / "pipe.txt")
    assert dangers(directory) == ("pipe.txt is not a kind of file that belongs to weights.",)


def test_an_endless_configuration_is_not_read(tmp_path: Path) -> None:
    directory = model(tmp_path)
    with (directory / "vocab.json").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    assert dangers(directory) == ("vocab.json is too large to be a configuration.",)


def test_a_directory_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadManifest):
        verified(tmp_path)


def test_a_fingerprint_changes_with_any_rewrite_even_of_the_same_bytes(tmp_path: Path) -> None:
    directory = model(tmp_path)
    before = fingerprint(directory)
    assert before == fingerprint(directory)
    path = directory / "config.json"
    told = path.stat()
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert fingerprint(directory) != before
