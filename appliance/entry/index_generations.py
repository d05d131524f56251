"""The directories of the index: one generation is live, a second may be in the making.

``index/current`` names the live one and is replaced atomically. A generation is a directory with Edge's own ``shard/``,
an ``identity.json`` and a lock that its process holds. Everything that is not current is left over and may be cleared.
"""

import fcntl
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from appliance.drivers.vectors.errors import ShardUnreadable
from appliance.kit import errors

UNREADABLE, AWAY = 3, 4
"""Exit codes of a shard process: this generation must be rebuilt; PostgreSQL does not answer, nothing is wrong here."""

FORMAT = 1
"""Of the points in a shard. A shard of another format is rebuilt."""

_CURRENT = "current"


class ShardBusy(errors.Conflict):
    """Another process still holds this generation."""

    code = "shard_busy"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a generation is: its token in ``index_marks``, and the last row that it holds durably.

    ``changes`` counts the points changed since its graphs were built. ``encoder`` is the one whose vectors it
    holds; None: it was made while none was in the model store.
    """

    token: str
    dimensions: int
    seq: int
    changes: int = 0
    format: int = FORMAT
    encoder: str | None = None


class Generations:
    """The generations below one ``index/`` directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def live(self) -> str | None:
        """The current generation, None before the first and when the manifest cannot be read."""
        try:
            name = json.loads((self.root / _CURRENT).read_bytes())["generation"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return name if isinstance(name, str) and (self.root / name).is_dir() else None

    def following(self) -> str:
        """A name that no generation has had since the manifest was written."""
        taken = [int(path.name.rpartition("-")[2]) for path in self._directories()]
        return f"generation-{max(taken, default=0) + 1:06}"

    def make(self, name: str) -> Path:
        """The generation's directory, made when it is missing."""
        directory = self.root / name
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return directory

    def shard(self, name: str) -> Path:
        """Where Edge's files lie."""
        return self.root / name / "shard"

    def switch(self, name: str) -> None:
        """Make a generation the current one, durably and atomically."""
        _write(self.root / _CURRENT, {"generation": name, "format": FORMAT})

    def clear(self, keep: str | None) -> list[str]:
        """Remove all generations but one, and half-written files; gives the names of those removed."""
        gone = [path for path in self._directories() if path.name != keep]
        for path in gone:
            shutil.rmtree(path)
        for path in self.root.glob("*.new"):
            path.unlink()
        return [path.name for path in gone]

    def identify(self, name: str, identity: Identity) -> None:
        """Write down what the generation is."""
        _write(self.root / name / "identity.json", asdict(identity))

    def identity(self, name: str) -> Identity:
        """What the generation is; ShardUnreadable when that is unknown or of another format."""
        try:
            found = Identity(**json.loads((self.root / name / "identity.json").read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ShardUnreadable(f"{name}: {error}") from error
        if found.format != FORMAT:
            raise ShardUnreadable(f"{name} is of format {found.format}, this version makes {FORMAT}")
        return found

    def lock(self, name: str, timeout: float) -> IO[bytes]:
        """Hold the generation until the file is closed or the process ends; ShardBusy after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        file = (self.make(name) / "lock").open("wb")
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    file.close()
                    raise ShardBusy(f"another process holds {name}") from error
                time.sleep(0.05)
            else:
                return file

    def _directories(self) -> list[Path]:
        return sorted(path for path in self.root.glob("generation-*") if path.is_dir())


def sync(directory: Path) -> None:
    """Write a whole tree to disk. Unlike Edge's flush this lets other threads run."""
    for path in [directory, *directory.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write(path: Path, value: object) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
