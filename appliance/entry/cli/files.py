"""Which files an ``ingest`` takes, and under which names: a pure look at the disk."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.kit.errors import NotFound, Refused


class NothingToTake(Refused):
    """There is no file in what was named."""

    code = "nothing_to_take"
    advice = "Name files, or folders that hold some; files whose names begin with '.' or '~$' are passed over."


class NoSuchFile(NotFound):
    """A file or folder that was named is not on this machine."""

    code = "no_such_file"
    advice = "Check the path; nothing was sent."


@dataclass(frozen=True, slots=True)
class Found:
    """A file on disk and the name it gets as a document: its path below the folder that was named."""

    path: Path
    name: str


def expand(paths: Sequence[Path]) -> tuple[Found, ...]:
    """Every file named, and every file in every folder named, in order, each once.

    Links to folders are not followed. Raises :class:`NoSuchFile` for a path that is not there, before anything is sent.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise NoSuchFile(f"There is no {', '.join(missing)}.")
    found: dict[Path, Found] = {}
    for path in paths:
        for each in _within(path) if path.is_dir() else (Found(path, path.name),):
            found.setdefault(each.path.resolve(), each)
    if not found:
        raise NothingToTake(f"There is no file in {', '.join(map(str, paths))}.")
    return tuple(found.values())


def _within(folder: Path) -> Iterator[Found]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root) / name
            if not name.startswith((".", "~$")) and path.is_file():
                yield Found(path, path.relative_to(folder).as_posix())
