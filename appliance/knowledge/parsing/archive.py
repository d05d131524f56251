"""Reads members of a ZIP under caps that hold while unpacking: the sizes it declares are not believed."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final

from appliance.knowledge.parsing.decoding import decode
from appliance.knowledge.parsing.errors import ArchiveBomb, Damaged, Encrypted, FileRefused, Truncated
from appliance.knowledge.parsing.limits import ParseLimits

_PIECE: Final = 64 * 1024
# Below this, a high ratio harms nobody: an empty form of a few kilobytes may unpack a hundredfold.
_RATIO_FLOOR: Final = 8 * 1024 * 1024
_ENCRYPTED: Final = 0x1
_UNICODE: Final = 0x800


@dataclass
class Spent:
    """What an archive and those within it have taken of the caps already."""

    unpacked: int = 0
    entries: int = 0


class Archive:
    """One ZIP file. The caps count over all members that are read, so many small bombs are one big one."""

    def __init__(self, file: BinaryIO, limits: ParseLimits, spent: Spent | None = None) -> None:
        self._limits = limits
        self._spent = spent or Spent()
        self._size = file.seek(0, io.SEEK_END)
        self._unpacked = 0
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:  # it began as one (its magic), so its directory at the end is missing
            raise Truncated from error
        except (ValueError, OverflowError, NotImplementedError) as error:
            raise Damaged(error) from error
        members = self._zip.infolist()
        self._spent.entries += len(members)
        if self._spent.entries > limits.entries:
            raise ArchiveBomb(f"{self._spent.entries} entries")
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise Encrypted
        self.names = frozenset(member.filename for member in members)
        self.called = {member.filename: _called(member) for member in members}
        """How people call each member."""

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
        self._spent.unpacked += size
        if self._spent.unpacked > self._limits.unpacked:
            raise ArchiveBomb(f"more than {self._limits.unpacked} bytes unpacked")
        if self._unpacked > max(_RATIO_FLOOR, self._limits.ratio * self._size):
            raise ArchiveBomb(f"more than {self._limits.ratio} times its size unpacked")

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _called(member: zipfile.ZipInfo) -> str:
    """Its name; without the flag for UTF-8 it is in its packer's encoding, and zipfile has read code page 437."""
    if member.flag_bits & _UNICODE or member.filename.isascii():
        return member.filename
    try:
        return decode(member.filename.encode("cp437"))
    except (UnicodeEncodeError, FileRefused):
        return member.filename
