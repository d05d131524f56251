"""Archives that people take with them: a zip whose ``manifest.json`` tells the SHA-256 and size of every other file.

Written to a file, or to a :class:`Sink` from which a response takes what there is: nothing is whole in memory.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from appliance.kit import clock

MANIFEST: Final = "manifest.json"
PIECE: Final = 1 << 20


class Writing:
    """An archive that is being written; ``listed`` are its files so far."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self.listed: list[dict[str, object]] = []

    @contextmanager
    def member(self, name: str, how: int = ZIP_DEFLATED) -> Iterator[Callable[[bytes], None]]:
        """A file of the archive, and its line in the manifest once it is written."""
        hashed, size = hashlib.sha256(), 0
        info = ZipInfo(name, clock.now().timetuple()[:6])
        info.compress_type = how
        info.external_attr = 0o600 << 16
        with self._archive.open(info, "w", force_zip64=True) as member:

            def write(piece: bytes) -> None:
                nonlocal size
                size += len(piece)
                hashed.update(piece)
                member.write(piece)

            yield write
        self.listed.append({"name": name, "sha256": hashed.hexdigest(), "bytes": size})

    def close(self, told: Mapping[str, object]) -> None:
        """Write the manifest: what is ``told``, when it was, and the files."""
        manifest = {**told, "created_at": clock.now().isoformat(), "files": self.listed}
        self._archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))


class Sink:
    """What a zip is written into and read from at the same time, for who sends it on as it comes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """As a file has it."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """As a file has it: nothing is held back."""

    def taken(self) -> bytes:
        """What was written since it was asked last."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
