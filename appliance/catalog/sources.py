"""The files of a model where they lie outside of the store: a directory, a hub's snapshot, a bundle.

Whoever may write there may change it under our hands, so nothing is looked at by name and opened later: each file is
opened once, without following a link, told by its descriptor to be a regular file, and read from that. A hub's cache
(``models--owner--name/{blobs,refs,snapshots}``) is made of links; theirs are read as text and must name a blob.
"""

import os
import re
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from appliance.catalog.manifest import BadManifest, Kind
from appliance.catalog.verify import PLAIN, SIGNATURE

MOST_FILES: Final = 2000
MOST_FOLDERS: Final = 4
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@ -]{0,199}")
_BLOB: Final = re.compile(r"(\.\./){2,5}blobs/([0-9a-f]{40}|[0-9a-f]{64})")
_PLAIN_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_PLAIN_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class SourceRefused(BadManifest):
    """What was to be imported holds something that does not belong to weights, or cannot be read."""

    code = "source_refused"
    advice = "Import a directory of safetensors, configuration and tokenizer files that you trust."


@dataclass(frozen=True, slots=True)
class Found:
    """One file, opened: POSIX path, bytes as told, and what names this state of it."""

    path: str
    size: int
    stamp: str
    stream: IO[bytes]


def files(source: Path) -> Iterator[Found]:
    """Every file in order, each open until the next is asked for. Raises :class:`SourceRefused`."""
    kind: Callable[[Path], Iterator[Found]] = _bundle if source.is_file() else _folder
    for number, found in enumerate(kind(source)):
        if number >= MOST_FILES:
            raise SourceRefused(f"there are more than {MOST_FILES} files")
        yield found


def accepted(path: str) -> str:
    """The path of a file that may be among weights. Raises :class:`SourceRefused` saying why it may not."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or not all(_PART.fullmatch(part) for part in parts):
        raise SourceRefused(f"{path!r} is no plain relative path")
    if len(parts) > MOST_FOLDERS:
        raise SourceRefused(f"{path!r} lies too deep")
    if PurePosixPath(path).suffix not in PLAIN and path != SIGNATURE:
        raise SourceRefused(f"{path!r} is not a kind of file that belongs to weights: no code, no pickle, no archive")
    return path


def kind_of(paths: Iterable[str]) -> Kind:
    """What a model is, by its files: sentence-transformers puts an encoder together by modules.json."""
    return "encoder" if "modules.json" in paths else "language"


def left_out(path: str) -> bool:
    """Whether a file is no part of the model: hidden ones, which git and downloaders leave."""
    return any(part.startswith(".") and part != ".." for part in PurePosixPath(path).parts)


def snapshot(source: Path) -> tuple[Path, Path | None]:
    """The directory with the files and, of a hub's cache, the one with its blobs."""
    if (source / "snapshots").is_dir() and (source / "blobs").is_dir():
        return _current(source), source / "blobs"
    if source.parent.name == "snapshots" and (source.parent.parent / "blobs").is_dir():
        return source, source.parent.parent / "blobs"
    return source, None


def _current(cache: Path) -> Path:
    head = cache / "refs" / "main"
    names = sorted(path.name for path in (cache / "snapshots").iterdir())
    wanted = head.read_text().strip() if head.is_file() else ""
    if wanted not in names:
        if len(names) != 1:
            raise SourceRefused("the hub's cache holds several snapshots: name one of them")
        wanted = names[0]
    return cache / "snapshots" / wanted


def _folder(source: Path) -> Iterator[Found]:
    top, blobs = snapshot(source)
    try:
        with _opened(top) as root, _opened(blobs) as store:
            if root is None:
                raise SourceRefused(f"{source.name!r} is no directory")
            for folder, folders, names, descriptor in os.fwalk(".", dir_fd=root, follow_symlinks=False):
                folders.sort()
                for name in sorted([*names, *_links(folders, descriptor)]):
                    yield from _one(PurePosixPath(folder, name).as_posix(), name, descriptor, store)
    except OSError as error:
        raise SourceRefused(f"{source.name!r} cannot be read: {error.strerror}") from error


def _one(path: str, name: str, folder: int, blobs: int | None) -> Iterator[Found]:
    if left_out(path):
        return
    accepted(path)
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        target = _BLOB.fullmatch(os.readlink(name, dir_fd=folder))
        if blobs is None or target is None:
            raise SourceRefused(f"{path!r} is a link; only a hub's own cache is made of links, to its blobs")
        name, folder = target[2], blobs
    descriptor = os.open(name, _PLAIN_FILE, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as stream:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode):
            raise SourceRefused(f"{path!r} is no regular file")
        yield Found(path, told.st_size, f"{told.st_dev}.{told.st_ino}.{told.st_size}.{told.st_mtime_ns}", stream)


def _links(folders: list[str], descriptor: int) -> list[str]:
    """Links among the folders: they are not walked into, and are refused like any other link."""
    return [name for name in folders if stat.S_ISLNK(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)]


@contextmanager
def _opened(directory: Path | None) -> Iterator[int | None]:
    if directory is None:
        yield None
        return
    descriptor = os.open(directory, _PLAIN_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _bundle(source: Path) -> Iterator[Found]:
    """The members of an uncompressed tar archive: weights do not shrink, and what is not packed cannot be a bomb."""
    seen: set[str] = set()
    told = source.stat()
    try:
        with source.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined] # or it keeps every header of a hostile archive
                path = member.name.removeprefix("./")
                if member.isdir() or left_out(path):
                    continue
                if not member.isreg() or member.issparse():
                    raise SourceRefused(f"{path!r} is no regular file")
                if accepted(path) in seen:
                    raise SourceRefused(f"{path!r} occurs twice")
                seen.add(path)
                stream = archive.extractfile(member)
                if stream is not None:
                    stamp = f"{told.st_ino}.{told.st_size}.{told.st_mtime_ns}.{member.offset_data}"
                    yield Found(path, member.size, stamp, stream)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise SourceRefused(f"{source.name!r} is no plain tar archive: {error}") from error
