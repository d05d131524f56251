"""Original files by their content: ``<root>/<tenant>/<first two>/<sha256>``, the same bytes kept once per tenant.

A file arrives in two steps. ``stage`` writes and hashes it under a name of its own; ``keep`` gives it its place, by an
atomic rename, once the caller holds whatever lock keeps a concurrent deletion of the same content away.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final, Protocol
from uuid import UUID

from appliance.kit import errors, staging

_PIECE: Final = 1 << 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
STAGING: Final = ".staging"


class BlobTooLarge(errors.TooLarge):
    """The file is larger than this appliance takes."""

    code = "file_too_large"


class BlobMissing(errors.Broken):
    """A stored file is not there."""

    code = "blob_missing"
    advice = "Upload the document again; look into the storage of the appliance."


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that was received and hashed, but has no place yet."""

    tenant: UUID
    sha256: str
    size: int
    at: Path


class Blobs(Protocol):
    """Where original files are kept."""

    def stage(self, tenant: UUID, source: BinaryIO, limit: int) -> Staged:
        """Receive a file. Raises BlobTooLarge beyond ``limit`` bytes; then nothing is left of it."""
        ...

    def keep(self, staged: Staged) -> None:
        """Give a staged file its place; harmless when the content is there already."""
        ...

    def drop(self, staged: Staged) -> None:
        """Remove a staged file that was not kept; harmless when it was."""
        ...

    @contextmanager
    def local(self, tenant: UUID, sha256: str) -> Iterator[Path]:
        """The file as a local path, for reading only. Raises BlobMissing."""
        ...

    def delete(self, tenant: UUID, sha256: str) -> None:
        """Remove the content; harmless when it is not there."""
        ...

    def listed(self, tenant: UUID) -> list[str]:
        """The digests of all contents of a tenant, ascending."""
        ...


class DirectoryBlobs:
    """Blobs in a directory of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def stage(self, tenant: UUID, source: BinaryIO, limit: int) -> Staged:
        """Written and synced, so that ``keep`` is a rename and a power cut leaves the whole file or none."""
        digest, size = hashlib.sha256(), 0
        with NamedTemporaryFile(dir=staging.own(self._root / STAGING), delete=False) as file:
            try:
                for piece in _bounded(source, limit):
                    size += len(piece)
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        return Staged(tenant, digest.hexdigest(), size, Path(file.name))

    def keep(self, staged: Staged) -> None:
        """Rename into place; the new name is synced too."""
        place = self._place(staged.tenant, staged.sha256)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged.at.replace(place)
        directory = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def drop(self, staged: Staged) -> None:
        """Remove what ``stage`` wrote."""
        staged.at.unlink(missing_ok=True)

    @contextmanager
    def local(self, tenant: UUID, sha256: str) -> Iterator[Path]:
        """The place itself."""
        place = self._place(tenant, sha256)
        if not place.is_file():
            raise BlobMissing(f"{sha256[:12]}…")
        yield place

    def delete(self, tenant: UUID, sha256: str) -> None:
        """Remove the file, and its directories when they are empty."""
        place = self._place(tenant, sha256)
        place.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or gone already
            place.parent.rmdir()
            place.parent.parent.rmdir()

    def listed(self, tenant: UUID) -> list[str]:
        """The names of the files."""
        places = (self._root / str(tenant)).glob("??/*")
        return sorted(place.name for place in places if _SHA256.fullmatch(place.name))

    def _place(self, tenant: UUID, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise BlobMissing("that is no digest")
        return self._root / str(tenant) / sha256[:2] / sha256


def _bounded(source: BinaryIO, limit: int) -> Iterator[bytes]:
    size = 0
    while piece := source.read(_PIECE):
        size += len(piece)
        if size > limit:
            raise BlobTooLarge(f"more than {limit} bytes", limit=limit)
        yield piece
