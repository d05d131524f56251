"""Where adapters lie: ``<root>/<tenant>/<id>/``, written once, read-only, at a path that is never used again.

An engine keeps prefix-cache blocks by an adapter's name and path: a path that came to hold other weights would answer
with the former ones. Files arrive in a 0700 directory beside and get their place by one rename.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from appliance.catalog import manifest
from appliance.catalog.confined import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from appliance.drivers.blobs import STAGING, BlobTooLarge
from appliance.kit import clock, staging

LARGEST_CONFIG: Final = 64 * 1024
_PIECE: Final = 1 << 20
_ABANDONED: Final = 3600.0
"""Seconds after which what no row names is taken away: no import lasts so long."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The two files of an adapter; ``limit`` bytes of weights are taken."""

    config: BinaryIO
    weights: BinaryIO
    limit: int


@dataclass(frozen=True, slots=True)
class Staged:
    """Files that were received and hashed, but have no place yet."""

    directory: Path
    files: tuple[manifest.File, ...]

    @property
    def digest(self) -> str:
        """Of both together."""
        return manifest.digest_of(self.files)

    @property
    def size(self) -> int:
        """Bytes of both together."""
        return sum(file.size for file in self.files)


class Shelf:
    """The adapters' directory of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def place(self, tenant: UUID, adapter: UUID) -> Path:
        """Where an adapter lies, or would."""
        return self._root / str(tenant) / str(adapter)

    @contextmanager
    def staged(self, upload: Upload) -> Iterator[Staged]:
        """Receive an adapter; what was not kept is gone afterwards. Raises BlobTooLarge."""
        with tempfile.TemporaryDirectory(dir=staging.own(self._root / STAGING)) as made:
            directory = Path(made) / "adapter"
            directory.mkdir(mode=0o700)
            _write(directory / ADAPTER_CONFIG, upload.config, LARGEST_CONFIG)
            _write(directory / ADAPTER_WEIGHTS, upload.weights, upload.limit)
            yield Staged(directory, manifest.survey(directory))

    def keep(self, staged: Staged, tenant: UUID, adapter: UUID) -> Path:
        """Give it its place, for good."""
        final = self.place(tenant, adapter)
        final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in staged.files:
            (staged.directory / file.path).chmod(0o400)
        staged.directory.rename(final)
        final.chmod(0o500)
        _sync(final.parent)
        return final

    def remove(self, tenant: UUID, adapter: UUID) -> None:
        """Take one away; harmless when it is gone."""
        directory = self.place(tenant, adapter)
        if directory.exists():
            directory.chmod(0o700)
            shutil.rmtree(directory, ignore_errors=True)

    def clear(self, tenant: UUID) -> int:
        """Take away all that a tenant has; how many there were."""
        home = self._root / str(tenant)
        here = [path for path in home.iterdir() if path.is_dir()] if home.is_dir() else []
        for path in here:
            path.chmod(0o700)
        shutil.rmtree(home, ignore_errors=True)
        return len(here)

    def listed(self, tenant: UUID) -> list[str]:
        """The ids of all that a tenant has, ascending."""
        return sorted(path.name for path in (self._root / str(tenant)).glob("*") if path.is_dir())

    def sweep(self, known: Callable[[], set[UUID]]) -> int:
        """Take away what no row names; how many directories went. What was abandoned half-way is of ``kit.staging``.

        ``known`` is asked after the look at the directories, and what is younger than an import may last is left alone.
        """
        here = (path for path in self._root.glob("*/*") if path.parent.name != STAGING)
        old = [path for path in here if path.is_dir() and _old(path)]
        rows = {str(adapter) for adapter in known()} if old else set()
        gone = [path for path in old if path.name not in rows]
        for path in gone:
            path.chmod(0o700)
            shutil.rmtree(path, ignore_errors=True)
        return len(gone)


@dataclass(frozen=True, slots=True)
class Weights:
    """A tenant's adapters' files, for its deletion."""

    shelf: Shelf
    kind: str = "adapter_files"

    def names(self, tenant: UUID) -> Iterator[str]:
        """Ids of adapters."""
        return iter(self.shelf.listed(tenant))

    def remove(self, tenant: UUID) -> None:
        """All of them."""
        self.shelf.clear(tenant)


@dataclass(frozen=True, slots=True)
class Kept:
    """The same files for its export, named ``<adapter>/<file>``."""

    shelf: Shelf

    def listed(self, tenant: UUID) -> list[str]:
        """Their names, ascending; what is missing on the disk stands in the adapter's state."""
        homes = ((name, self.shelf.place(tenant, UUID(name))) for name in self.shelf.listed(tenant))
        both = (ADAPTER_CONFIG, ADAPTER_WEIGHTS)
        return [f"{name}/{file}" for name, home in homes for file in both if (home / file).is_file()]

    @contextmanager
    def local(self, tenant: UUID, name: str) -> Iterator[Path]:
        """One of those that are listed."""
        adapter, _, file = name.partition("/")
        yield self.shelf.place(tenant, UUID(adapter)) / file


def _write(path: Path, source: BinaryIO, limit: int) -> None:
    size = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise BlobTooLarge(f"{path.name} has more than {limit} bytes", limit=limit)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _old(path: Path) -> bool:
    return clock.now().timestamp() - path.stat().st_mtime > _ABANDONED
