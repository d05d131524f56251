"""Copying a model from outside into a private directory: ``python -m appliance.catalog.gather SOURCE TARGET MOST``.

A process of its own, under limits: archives and names come from outside. What it has copied whole it notes in
``TARGET/state.jsonl``, so that a run after a kill goes on with the next file. It says on standard output how far it is,
one JSON document a line, and at last which files it has or why it refuses.
"""

import functools
import hashlib
import json
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from appliance.catalog.manifest import NAME, File
from appliance.catalog.sources import Found, SourceRefused, files

_PIECE: Final = 1 << 20
STATE: Final = "state.jsonl"
FILES: Final = "files"
Tell = Callable[[int], None]
"""Called with the bytes that are there so far."""


def gather(source: Path, target: Path, most: int, tell: Tell) -> tuple[File, ...]:
    """Copy every file below ``target/files``, at most ``most`` bytes together; those copied before are not read again.

    Raises :class:`SourceRefused`.
    """
    home = target / FILES
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = _noted(target / STATE)
    done: list[File] = []
    total = 0
    with (target / STATE).open("a", encoding="utf-8") as state:
        for found in files(source):
            if found.path == NAME:
                _small(found, target / NAME)
                continue
            file = before.get((found.path, found.stamp))
            place = home / found.path
            if file is None or not place.is_file() or place.stat().st_size != file.size:
                file = _copied(found, place, most - total, functools.partial(_beyond, tell, total))
                state.write(json.dumps({"stamp": found.stamp, **asdict(file)}) + "\n")
                state.flush()
                os.fsync(state.fileno())
            total += file.size
            tell(total)
            done.append(file)
    _clear(home, {file.path for file in done})
    return tuple(sorted(done, key=lambda file: file.path))


def _beyond(tell: Tell, before: int, size: int) -> None:
    tell(before + size)


def _copied(found: Found, place: Path, most: int, tell: Tell) -> File:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.part")
    digest, size = hashlib.sha256(), 0
    with part.open("wb") as file:
        for piece in _pieces(found):
            size += len(piece)
            if size > min(most, found.size):
                raise SourceRefused(f"{found.path!r} is longer than told, or than there is room for")
            digest.update(piece)
            file.write(piece)
            tell(size)
        file.flush()
        os.fsync(file.fileno())
    if size != found.size:
        raise SourceRefused(f"{found.path!r} is shorter than told")
    part.rename(place)
    return File(found.path, digest.hexdigest(), size)


def _pieces(found: Found) -> Iterator[bytes]:
    try:
        while piece := found.stream.read(_PIECE):
            yield piece
    except (OSError, tarfile.TarError) as error:
        raise SourceRefused(f"{found.path!r} cannot be read: {error}") from error


def _small(found: Found, place: Path, most: int = 4 * 1024 * 1024) -> None:
    """A bundle's own manifest, beside the files."""
    raw = found.stream.read(most + 1)
    if len(raw) > most:
        raise SourceRefused(f"{found.path!r} is too large")
    place.write_bytes(raw)


def _noted(state: Path) -> dict[tuple[str, str], File]:
    """What former runs copied; a last line that a kill cut short does not count."""
    found: dict[tuple[str, str], File] = {}
    lines = state.read_text(encoding="utf-8").splitlines() if state.is_file() else []
    for line in lines:
        try:
            told = json.loads(line)
            found[told["path"], told["stamp"]] = File(told["path"], told["sha256"], told["size"])
        except (ValueError, KeyError):
            continue
    return found


def _clear(home: Path, wanted: set[str]) -> None:
    """What a former run began and the source no longer has."""
    for path in home.rglob("*"):
        if path.is_file() and path.relative_to(home).as_posix() not in wanted:
            path.unlink()


def main(output: IO[str] = sys.stdout) -> int:
    """Gather, telling how far it is every few megabytes."""
    source, target, most = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    last = 0

    def told(document: dict[str, Any]) -> None:
        output.write(json.dumps(document) + "\n")
        output.flush()

    def tell(done: int) -> None:
        nonlocal last
        if done - last >= 16 * _PIECE:
            last = done
            told({"done": done})

    try:
        told({"files": [asdict(file) for file in gather(source, target, most, tell)]})
    except SourceRefused as error:
        told({"refused": error.detail})
    except MemoryError:
        told({"refused": "it needs more memory to be read than it may take"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
