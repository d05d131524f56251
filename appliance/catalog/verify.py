"""Whether a directory of the model store may be run: every byte as recorded, and nothing in it that is code.

Digests say that a directory is what was installed; the checks of its contents say that what was installed is harmless:
``auto_map`` makes a loader import Python from the directory even with ``trust_remote_code`` off (seen in vLLM), and a
``.safetensors`` may be a pickle by another name.
"""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.catalog import header, manifest

PLAIN = frozenset({".json", ".txt", ".jinja", ".model", ".md", ".safetensors", ""})
"""What may lie in a directory of weights; without a suffix: LICENSE, NOTICE."""
SIGNATURE = "model.sig"
"""A signature over the files (``oms.py``); it is not one of them."""
INDEX = "model.safetensors.index.json"
_LARGEST_TEXT = 64 * 1024 * 1024


class Tampered(manifest.BadManifest):
    """The files are not the ones that were installed."""

    code = "weights_tampered"
    advice = "Find out who changed them, then fetch the model again: 'appliance models pull NAME'."


@dataclass(frozen=True, slots=True)
class VerifiedManifest:
    """A manifest whose directory was read wholly and found as recorded. Only :func:`verified` makes one."""

    manifest: manifest.Manifest
    directory: Path


def verified(directory: Path, seen: manifest.Seen | None = None) -> VerifiedManifest:
    """Read every byte of ``directory``. Raises :class:`Tampered` naming each file at fault, or ``BadManifest``."""
    found = manifest.read(directory)
    faults = [*manifest.faults(directory, seen), *dangers(directory)]
    if faults:
        raise Tampered(f"{found.name}: {' '.join(faults)}")
    return VerifiedManifest(found, directory)


def fingerprint(directory: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Path, inode, size and change time (ns) of each file: who rewrites a file cannot give it its old change time."""
    found = []
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder) / name
            told = path.lstat()
            found.append((str(path), told.st_ino, told.st_size, told.st_ctime_ns))
    return tuple(sorted(found))


def dangers(directory: Path) -> tuple[str, ...]:
    """What must not be among weights, one sentence each: foreign kinds of file, code, headers that lie."""
    return tuple(_dangers(directory))


def _dangers(directory: Path) -> Iterator[str]:
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if name == SIGNATURE and stat.S_ISREG(mode):
            continue
        if not stat.S_ISREG(mode) or path.suffix not in PLAIN:
            yield f"{name} is not a kind of file that belongs to weights."
        elif path.suffix == ".safetensors":
            yield from _weights(path)
        elif path.suffix == ".json":
            yield from _configuration(path, name)


def _weights(path: Path) -> Iterator[str]:
    try:
        header.read(path)
    except header.BadWeights as error:
        yield error.detail


def _configuration(path: Path, name: str) -> Iterator[str]:
    if path.stat().st_size > _LARGEST_TEXT:
        yield f"{name} is too large to be a configuration."
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        yield f"{name} is not JSON."
        return
    if name == INDEX:
        yield from _shards(path.parent, found)
    if _names_code(found):
        yield f"{name} names Python code to be loaded (auto_map)."
    if path.name == "modules.json" and not _all_known(found):
        yield f"{name} names a module that is not of sentence-transformers."


def _shards(directory: Path, index: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Weights in several files: each that the index names must be there, or an engine fails after minutes."""
    named = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(named, dict):
        yield f"{INDEX} is no index of weights."
        return
    here = {path.name for path in directory.glob("*.safetensors")}
    missing = sorted({str(file) for file in named.values()} - here)
    if missing:
        yield f"Of the weights {', '.join(missing[:3])} is missing."


def _all_known(modules: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether an encoder is put together from its library's own parts: it imports whatever is named here."""
    return isinstance(modules, list) and all(
        isinstance(module, dict) and str(module.get("type", "")).startswith("sentence_transformers.models.")
        for module in modules
    )


def _names_code(value: Any) -> bool:  # noqa: ANN401 - any JSON
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "auto_map" in value or value.get("trust_remote_code"):
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False
