"""What a directory of weights must hold, byte for byte: one ``manifest.json`` beside the files.

The digest names the whole: sha256 over the sorted lines ``<sha256>  <size>  <path>``, so two directories with the
same digest hold the same files. Weights are safetensors; formats that can carry code (pickles, ``.bin``) are refused.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal, get_args

from appliance.kit.errors import Refused

NAME = "manifest.json"
BESIDE = frozenset({NAME, "model.sig"})
"""What tells of the files and is none of them."""
_BLOCK = 1 << 20
_UNSAFE = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".so", ".py"})

Kind = Literal["language", "encoder", "reranker"]
Seen = Callable[[int], None]


class BadManifest(Refused):
    """The manifest, or what it describes, is not acceptable."""

    code = "bad_manifest"
    advice = "Fetch the model again: 'appliance models pull', or bin/models."


@dataclass(frozen=True, slots=True)
class File:
    """One file: POSIX path relative to the directory, lower-case hex sha256, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model version as it lies on disk; ``languages`` are BCP-47, ``licence`` the weights' SPDX id."""

    name: str
    kind: Kind
    digest: str
    files: tuple[File, ...]
    languages: tuple[str, ...]
    licence: str
    source: str

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def text(self) -> str:
        """The JSON document that is written beside the files."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def sha256(path: Path, seen: Seen | None = None) -> str:
    """Hex digest of one file; ``seen`` gets the number of bytes of each block read."""
    with path.open("rb") as stream:
        return sha256_of(stream, seen)


def sha256_of(stream: IO[bytes], seen: Seen | None = None) -> str:
    """Hex digest of what a stream still holds."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
        if seen:
            seen(len(block))
    return digest.hexdigest()


def digest_of(files: tuple[File, ...]) -> str:
    """The digest of the whole from those of its files, whatever their order."""
    lines = sorted(f"{file.sha256}  {file.size}  {file.path}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def survey(directory: Path, seen: Seen | None = None) -> tuple[File, ...]:
    """Every file under ``directory`` but the manifest, by path. Links and unsafe formats raise ``BadManifest``."""
    found = []
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory).as_posix()
        if path.is_symlink() or path.suffix.lower() in _UNSAFE:
            raise BadManifest(f"{relative} is not accepted among weights: only plain safetensors and text files are.")
        if path.is_file() and relative not in BESIDE:
            found.append(File(relative, sha256(path, seen), path.stat().st_size))
    return tuple(found)


def read(directory: Path) -> Manifest:
    """The manifest that lies in ``directory``; raises ``BadManifest`` when it is absent or malformed."""
    try:
        found = json.loads((directory / NAME).read_text(encoding="utf-8"))
        files = tuple(File(str(f["path"]), str(f["sha256"]), int(f["size"])) for f in found["files"])
        manifest = Manifest(
            name=str(found["name"]),
            kind=found["kind"],
            digest=str(found["digest"]),
            files=files,
            languages=tuple(str(language) for language in found["languages"]),
            licence=str(found["licence"]),
            source=str(found["source"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadManifest(f"There is no readable {NAME} in {directory.name}: {error!r}.") from error
    if manifest.kind not in get_args(Kind) or not all(_inside(file.path) for file in files):
        raise BadManifest(f"{NAME} in {directory.name} names an unknown kind, or a path outside of its directory.")
    return manifest


def faults(directory: Path, seen: Seen | None = None) -> tuple[str, ...]:
    """What differs between ``directory`` and its manifest, one sentence each; empty when all is as recorded."""
    manifest = read(directory)
    try:
        present = {file.path: file for file in survey(directory, seen)}
    except BadManifest as error:
        return (error.detail,)
    listed = {file.path: file for file in manifest.files}
    told = [f"{path} is missing." for path in listed.keys() - present.keys()]
    told += [f"{path} is not in the manifest." for path in present.keys() - listed.keys()]
    told += [
        f"{p} does not have its recorded digest." for p in listed.keys() & present.keys() if listed[p] != present[p]
    ]
    if digest_of(manifest.files) != manifest.digest:
        told.append("The manifest's own digest does not match its list of files.")
    return tuple(sorted(told))


def _inside(path: str) -> bool:
    parts = PurePosixPath(path)
    return bool(path) and not parts.is_absolute() and ".." not in parts.parts
