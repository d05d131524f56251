"""Reads members of a ZIP under caps that hold while unpacking: the sizes it declares are not believed."""

import io
import zipfile
import zlib
from typing import BinaryIO, Final

from appliance.knowledge.parsing.errors import ArchiveBomb, Damaged, Encrypted, Truncated
from appliance.knowledge.parsing.limits import ParseLimits

_PIECE: Final = 64 * 1024
# Below this, a high ratio harms nobody: an empty form of a few kilobytes may unpack a hundredfold.
_RATIO_FLOOR: Final = 8 * 1024 * 1024
_ENCRYPTED: Final = 0x1


class Archive:
    """One ZIP file. The caps count over all members that are read, so many small bombs are one big one."""

    def __init__(self, file: BinaryIO, limits: ParseLimits) -> None:
        self._limits = limits
        self._size = file.seek(0, io.SEEK_END)
        self._unpacked = 0
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:  # it began as one (its magic), so its directory at the end is missing
            raise Truncated from error
        except (ValueError, OverflowError, NotImplementedError) as error:
            raise Damaged(error) from error
        members = self._zip.infolist()
        if len(members) > limits.entries:
            raise ArchiveBomb(f"{len(members)} entries")
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise Encrypted
        self.names = frozenset(member.filename for member in members)

    def read(self, name: str) -> bytes:
        """One member. Raises ArchiveBomb at a cap, Damaged where the archive is broken or has no such member."""
        pieces: list[bytes] = []
        try:
            with self._zip.open(name) as member:
                while piece := member.read(_PIECE):
                    self._account(len(piece))
                    pieces.append(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, KeyError) as error:
            raise Damaged(f"{name}: {error}") from error
        return b"".join(pieces)

    def _account(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > self._limits.unpacked:
            raise ArchiveBomb(f"more than {self._limits.unpacked} bytes unpacked")
        if self._unpacked > max(_RATIO_FLOOR, self._limits.ratio * self._size):
            raise ArchiveBomb(f"more than {self._limits.ratio} times its size unpacked")

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
