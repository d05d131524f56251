"""A collection as one archive: what stands in it, and reading one of which nothing is believed before it is checked.

    manifest.json      format, collection (name, reading, access), number of documents, SHA-256 and size of each file
    documents.jsonl    a line for each document: name, tags, access by names, reading, and which original it is
    originals/<sha256> the files as they were uploaded
    texts/<line>.txt   their normal texts, where asked for; an import reads the originals again and does not use them

What reading costs has bounds that the archive has no say in. Nothing is unpacked to a path: files are named by digests.
"""

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, BinaryIO, Final, Literal, TypeVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import BaseModel, Field, ValidationError

from appliance.kit.archives import MANIFEST, PIECE
from appliance.knowledge.carried import RuleTold, TermTold
from appliance.knowledge.errors import ArchiveDamaged, ArchiveHostile, NotACollection
from appliance.knowledge.glossary import MOST
from appliance.knowledge.parsing.limits import Recognition
from appliance.knowledge.reading import FEWEST_TOKENS, MOST_TOKENS, Reading
from appliance.knowledge.service import LONGEST_NAME, checked_name
from appliance.knowledge.tagging import checked

FORMAT: Final = "appliance collection export v1"
DOCUMENTS: Final = "documents.jsonl"
ORIGINALS: Final = "originals/"
TEXTS: Final = "texts/"
MOST_DOCUMENTS: Final = 50_000
MAGIC: Final = b"PK"
_DIRECTORY: Final = 16 << 20
"""Bytes of the zip's own directory: 240 a document, and zipfile holds all of it in memory."""
_MANIFEST: Final = 32 << 20
_LINE: Final = 256 << 10
_RATIO: Final = 50
"""Texts shrink to a fifth, originals are not compressed. Below the floor a high ratio harms nobody."""
_FLOOR: Final = 64 << 20
_MEMBER: Final = re.compile(rf"{ORIGINALS}[0-9a-f]{{64}}|{TEXTS}[0-9]{{6}}\.txt|{re.escape(DOCUMENTS)}")
_BROKEN: Final = (
    BadZipFile,
    zlib.error,
    EOFError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)
T = TypeVar("T", bound=BaseModel)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(max_length=LONGEST_NAME, pattern=r"^[^\x00]*$")]
Names = Annotated[list[Name], Field(max_length=500)]


class AccessTold(BaseModel):
    """An access list by the names that people know: of groups, and logins."""

    everyone: bool = False
    groups: Names = []
    users: Names = []


class ReadingTold(BaseModel):
    """How a file is read, as ``knowledge.reading`` has it."""

    recognition: Recognition = "auto"
    chunk_tokens: Annotated[int, Field(ge=FEWEST_TOKENS, le=MOST_TOKENS)] | None = None

    def reading(self) -> Reading:
        """What is meant."""
        return Reading(self.recognition, self.chunk_tokens)


class CollectionTold(BaseModel):
    """The collection. ``access`` null: it was not told to who exported; ``retention`` null: that, or it has no rule."""

    name: Name
    reading: ReadingTold = ReadingTold()
    access: AccessTold | None = None
    retention: RuleTold | None = None


class FileTold(BaseModel):
    """A file of the archive."""

    name: str
    sha256: Digest
    bytes: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """``manifest.json``."""

    format: Literal["appliance collection export v1"]
    created_at: datetime
    collection: CollectionTold
    documents: Annotated[int, Field(ge=0, le=MOST_DOCUMENTS)]
    files: list[FileTold]
    glossary: Annotated[list[TermTold], Field(max_length=MOST)] = []


class DocumentTold(BaseModel):
    """A line of ``documents.jsonl``. ``access`` null: its collection's. ``missing``: its original was not there."""

    name: Name
    sha256: Digest
    bytes: Annotated[int, Field(ge=0)]
    title: str | None = None
    media_type: str | None = None
    language: str | None = None
    tags: list[str] = []
    access: AccessTold | None = None
    reading: ReadingTold = ReadingTold()
    added_at: datetime | None = None
    text: str | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What an archive holds that was found to be whole: documents with an original, and the originals' bytes."""

    documents: int
    bytes: int


class _Bounded(io.RawIOBase):
    """A file of which zipfile may not ask for its directory in one piece, however long it says that is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """Of all that is left zipfile asks only when it looks for the end, within 64 KiB of it."""
        if size > _DIRECTORY:
            raise ArchiveHostile(f"its directory has {size} bytes")
        return self._file.read(size if size >= 0 else _DIRECTORY)


class CollectionArchive:
    """An archive opened for reading. ``largest``: bytes that a document may have here.

    Raises NotACollection, ArchiveDamaged, ArchiveHostile: whatever is wrong is found before anything is taken.
    """

    def __init__(self, file: BinaryIO, largest: int) -> None:
        self._largest = largest
        self._size = file.seek(0, io.SEEK_END)
        try:
            self._zip = ZipFile(_Bounded(file))
        except BadZipFile as error:
            raise NotACollection(f"it is no zip archive, or only the beginning of one: {error}") from error
        except _BROKEN as error:
            raise ArchiveDamaged(str(error)) from error
        self._members = self._named()
        self.manifest = self._parsed(Manifest, self._whole(MANIFEST, _MANIFEST), MANIFEST)
        self._compare()

    def verify(self, told: Callable[[int, int], None]) -> Content:
        """Look at every line and every byte; ``told`` hears how many files of how many are done."""
        for done, each in enumerate(self.manifest.files):
            told(done, len(self.manifest.files))
            hashed = hashlib.sha256()
            for piece in self._pieces(each.name):
                hashed.update(piece)
            if hashed.hexdigest() != each.sha256:
                raise ArchiveDamaged(f"{each.name} is not what the manifest says: its SHA-256 is another one")
        return self._counted()

    def documents(self) -> Iterator[DocumentTold]:
        """Line by line."""
        with self._open(DOCUMENTS) as member:
            while line := member.readline(_LINE + 1):
                if len(line) > _LINE:
                    raise ArchiveHostile(f"a line of {DOCUMENTS} has more than {_LINE} bytes")
                yield self._parsed(DocumentTold, line, DOCUMENTS)

    @contextmanager
    def original(self, sha256: str) -> Iterator[BinaryIO]:
        """One of the files, from its beginning."""
        with self._open(f"{ORIGINALS}{sha256}") as member:
            yield member

    def _named(self) -> dict[str, ZipInfo]:
        members: dict[str, ZipInfo] = {}
        for member in self._zip.infolist():
            name = member.filename
            if name != MANIFEST and not _MEMBER.fullmatch(name):
                raise ArchiveHostile(f"a collection's archive has no file {name[:100]!r}")
            if name in members:
                raise ArchiveHostile(f"{name} is in it twice")
            if member.flag_bits & 1 or member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise ArchiveHostile(f"{name} is encrypted, or packed in a way that none of ours is")
            members[name] = member
        if sum(member.file_size for member in members.values()) > max(_FLOOR, _RATIO * self._size):
            raise ArchiveHostile(f"it would unpack to more than {_RATIO} times its size")
        return members

    def _compare(self) -> None:
        """Files and manifest tell the same names and sizes, and originals have the names of their digests."""
        told = {each.name: each for each in self.manifest.files}
        if len(told) != len(self.manifest.files) or {*told, MANIFEST} != set(self._members) or DOCUMENTS not in told:
            raise ArchiveDamaged("it does not hold the files that its manifest names")
        for name, each in told.items():
            if self._members[name].file_size != each.bytes:
                raise ArchiveDamaged(f"{name} has not the size that the manifest says")
            if name.startswith(ORIGINALS) and name != f"{ORIGINALS}{each.sha256}":
                raise ArchiveDamaged(f"{name} is not named by its digest")
            if name.startswith(ORIGINALS) and not 0 < each.bytes <= self._largest:
                raise ArchiveDamaged(f"{name} has {each.bytes} bytes; a document has 1 to {self._largest} here")

    def _counted(self) -> Content:
        names, found, lines, documents, size = set[str](), set[str](), 0, 0, 0
        for lines, line in enumerate(self.documents(), 1):
            if lines > self.manifest.documents:
                break
            name = checked_name(line.name)
            checked(line.tags)
            if name in names:
                raise ArchiveDamaged(f"{name!r} stands in {DOCUMENTS} twice")
            names.add(name)
            if line.missing:
                continue
            original = self._members.get(f"{ORIGINALS}{line.sha256}")
            if original is None or original.file_size != line.bytes:
                raise ArchiveDamaged(f"the original of {name!r} is not in it")
            found.add(original.filename)
            documents, size = documents + 1, size + line.bytes
        if lines != self.manifest.documents:
            raise ArchiveDamaged(f"{DOCUMENTS} has not as many lines as the manifest says")
        if any(name.startswith(ORIGINALS) and name not in found for name in self._members):
            raise ArchiveDamaged(f"it holds an original that no line of {DOCUMENTS} names")
        return Content(documents, size)

    def _parsed(self, model: type[T], raw: bytes, where: str) -> T:
        try:
            return model.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(each) for each in first["loc"])
            raise NotACollection(f"{where}: {place or 'it'}: {first['msg']}") from error

    def _whole(self, name: str, most: int) -> bytes:
        if name not in self._members:
            raise NotACollection(f"it has no {name}")
        if self._members[name].file_size > most:
            raise ArchiveHostile(f"{name} has more than {most} bytes")
        return b"".join(self._pieces(name))

    def _pieces(self, name: str) -> Iterator[bytes]:
        with self._open(name) as member:
            while piece := member.read(PIECE):
                yield piece

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        """A member; it gives no more bytes than its entry says, which were counted."""
        try:
            with self._zip.open(self._members[name]) as member:
                yield member  # type: ignore[misc] # IO[bytes] is what BinaryIO is
        except _BROKEN as error:
            raise ArchiveDamaged(f"{name}: {error}") from error
