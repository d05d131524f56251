"""A manifest names every byte of a directory, and tells each way in which the directory differs from it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.catalog import manifest
from appliance.catalog.manifest import BadManifest


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x" * (3 << 20))
    return tmp_path


def _seal(directory: Path) -> manifest.Manifest:
    files = manifest.survey(directory)
    sealed = manifest.Manifest("m", "encoder", manifest.digest_of(files), files, ("en",), "Apache-2.0", "a test")
    (directory / manifest.NAME).write_text(sealed.text())
    return sealed


def test_a_survey_lists_every_file_but_the_manifest_by_path(weights: Path) -> None:
    _seal(weights)
    assert [(file.path, file.size) for file in manifest.survey(weights)] == [
        ("1_Pooling/config.json", 2),
        ("model.safetensors", 3 << 20),
    ]


def test_reading_gives_back_what_was_written(weights: Path) -> None:
    sealed = _seal(weights)
    assert manifest.read(weights) == sealed
    assert sealed.size == (3 << 20) + 2


def test_the_digest_does_not_depend_on_the_order_of_files(weights: Path) -> None:
    files = manifest.survey(weights)
    assert manifest.digest_of(files) == manifest.digest_of(files[::-1])


def test_hashing_tells_how_far_it_is(weights: Path) -> None:
    counts: list[int] = []
    manifest.survey(weights, counts.append)
    assert sum(counts) == (3 << 20) + 2
    assert len(counts) > 2


def test_an_untouched_directory_has_no_faults(weights: Path) -> None:
    _seal(weights)
    assert manifest.faults(weights) == ()


def _flip(directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(b"y" * (3 << 20))


def _remove(directory: Path) -> None:
    (directory / "1_Pooling" / "config.json").unlink()


def _add(directory: Path) -> None:
    (directory / "extra.json").write_text("{}")


def _add_pickle(directory: Path) -> None:
    (directory / "pytorch_model.bin").write_bytes(b"")


def _lie(directory: Path) -> None:
    document = json.loads((directory / manifest.NAME).read_text())
    document["digest"] = "0" * 64
    (directory / manifest.NAME).write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_flip, "model.safetensors does not have its recorded digest."),
        (_remove, "1_Pooling/config.json is missing."),
        (_add, "extra.json is not in the manifest."),
        (_add_pickle, "pytorch_model.bin is not accepted among weights"),
        (_lie, "own digest does not match"),
    ],
)
def test_each_harm_is_told(weights: Path, harm: Callable[[Path], None], told: str) -> None:
    _seal(weights)
    harm(weights)
    (fault,) = manifest.faults(weights)
    assert told in fault


def test_a_link_among_the_weights_is_refused(weights: Path) -> None:
    (weights / "link.json").symlink_to("/etc/passwd")
    with pytest.raises(BadManifest, match=r"link\.json"):
        manifest.survey(weights)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        '{"name":"m","kind":"language","digest":"","files":[{}],"languages":[],"licence":"","source":""}',
        '{"name":"m","kind":"oracle","digest":"","files":[],"languages":[],"licence":"","source":""}',
        (
            '{"name":"m","kind":"language","digest":"","files":[{"path":"../x","sha256":"","size":0}],"languages":[],'
            '"licence":"","source":""}'
        ),
        (
            '{"name":"m","kind":"language","digest":"","files":[{"path":"/x","sha256":"","size":0}],"languages":[],'
            '"licence":"","source":""}'
        ),
    ],
)
def test_a_malformed_manifest_is_refused(tmp_path: Path, document: str) -> None:
    (tmp_path / manifest.NAME).write_text(document)
    with pytest.raises(BadManifest):
        manifest.read(tmp_path)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadManifest):
        manifest.faults(tmp_path)
