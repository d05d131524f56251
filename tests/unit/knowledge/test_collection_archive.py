"""Archives of collections: what is read of a whole one, and why others are refused before anything is taken."""

import io
import struct
import warnings
from collections.abc import Callable
from typing import Any
from zipfile import ZIP_BZIP2, ZipFile, ZipInfo

import pytest

from appliance.kit.errors import ApplianceError
from appliance.knowledge.collection_archive import DOCUMENTS, MOST_DOCUMENTS, ORIGINALS, CollectionArchive
from tests.factories.archives import PUMP, VALVE, archive, digest, files, line, manifest, packed, usual

LARGEST = 1000
LONG = b"a" * (LARGEST + 1)


def refused(raw: bytes) -> tuple[str, str]:
    """The code and the sentence with which it is refused."""
    with pytest.raises(ApplianceError) as found:
        CollectionArchive(io.BytesIO(raw), LARGEST).verify(lambda *_: None)
    return found.value.code, found.value.detail


def test_a_whole_one_is_read_with_all_that_it_tells() -> None:
    steps: list[tuple[int, int]] = []
    opened = CollectionArchive(io.BytesIO(archive()), LARGEST)
    content = opened.verify(lambda done, total: steps.append((done, total)))
    assert (content.documents, content.bytes) == (2, len(PUMP) + len(VALVE))
    assert steps == [(0, 3), (1, 3), (2, 3)]
    first, second = opened.documents()
    assert (first.name, first.tags, first.access, second.reading.reading().recognition) == (
        "pump.txt",
        ["hall 4"],
        None,
        "auto",
    )
    with opened.original(digest(VALVE)) as member:
        assert member.read() == VALVE


def test_a_document_without_its_original_is_told_and_not_counted() -> None:
    lines = [line("pump.txt", PUMP), line("lost.txt", VALVE, missing=True)]
    content = CollectionArchive(io.BytesIO(archive(files(lines, [PUMP]))), LARGEST).verify(lambda *_: None)
    assert (content.documents, content.bytes) == (1, len(PUMP))


def _with(name: str, content: bytes) -> bytes:
    held = {**usual(), name: content}
    return archive(held)


def _told(**more: object) -> bytes:
    return archive(told=manifest(usual(), 2) | more)


def _lines(*lines: dict[str, Any]) -> bytes:
    return archive(files(lines, [PUMP]), documents=len(lines))


def _changed() -> bytes:
    """Another byte in an original, its size as it was."""
    held = usual()
    told = manifest(held, 2)
    held[f"{ORIGINALS}{digest(PUMP)}"] = PUMP.replace(b"two", b"ten")
    return archive(held, told)


def _twice() -> bytes:
    with warnings.catch_warnings(action="ignore"):
        return packed([(DOCUMENTS, b""), (DOCUMENTS, b""), ("manifest.json", b"{}")])


def _bzip2() -> bytes:
    info = ZipInfo("manifest.json")
    info.compress_type = ZIP_BZIP2
    file = io.BytesIO()
    with ZipFile(file, "w") as made:
        made.writestr(info, b"{}")
    return file.getvalue()


def _encrypted() -> bytes:
    raw = bytearray(archive())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def _large_directory() -> bytes:
    """The end says that the directory has two gigabytes, in a file that is as long as that: it has a hole."""
    raw = bytearray(archive())
    end = raw.rindex(b"PK\x05\x06")
    struct.pack_into("<LL", raw, end + 12, 1 << 31, 0)
    return bytes(raw)


def _bomb() -> bytes:
    lines = b" " * (80 << 20)
    return packed([(DOCUMENTS, lines), ("manifest.json", b"{}")])


def _cut() -> bytes:
    return archive()[:-30]


def _broken() -> bytes:
    """The packed bytes of the lines are others: what inflates is no more what the directory says."""
    raw = bytearray(archive())
    start = raw.index(DOCUMENTS.encode()) + len(DOCUMENTS)
    raw[start : start + 20] = b"\xff" * 20
    return bytes(raw)


REFUSED: list[tuple[str, Callable[[], bytes], str, str]] = [
    ("no zip", lambda: b"PK\x03\x04 and no more", "not_a_collection_archive", "no zip archive"),
    ("cut", _cut, "not_a_collection_archive", "no zip archive"),
    ("another zip", lambda: packed([("manifest.json", b"[]")]), "not_a_collection_archive", "manifest.json"),
    ("no manifest", lambda: packed([(DOCUMENTS, b"")]), "not_a_collection_archive", "no manifest.json"),
    ("of a tenant", lambda: _told(format="appliance tenant export v1"), "not_a_collection_archive", "format"),
    ("too many", lambda: _told(documents=MOST_DOCUMENTS + 1), "not_a_collection_archive", "documents"),
    ("no json", lambda: packed([("manifest.json", b"{")]), "not_a_collection_archive", "manifest.json: it"),
    ("deep json", lambda: packed([("manifest.json", b"[" * 100_000)]), "not_a_collection_archive", "recursion"),
    ("a path", lambda: _with("../../etc/cron.d/x", b"x"), "archive_hostile", "no file"),
    ("a path in", lambda: _with(f"{ORIGINALS}../{digest(PUMP)}", b"x"), "archive_hostile", "no file"),
    ("absolute", lambda: _with("/etc/passwd", b"x"), "archive_hostile", "no file"),
    ("a folder", lambda: _with(ORIGINALS, b""), "archive_hostile", "no file"),
    ("a name twice", _twice, "archive_hostile", "twice"),
    ("packed by others", _bzip2, "archive_hostile", "packed in a way"),
    ("encrypted", _encrypted, "archive_hostile", "encrypted"),
    ("a bomb", _bomb, "archive_hostile", "unpack to more"),
    ("a directory of 2 GiB", _large_directory, "not_a_collection_archive", ""),
    ("broken within", _broken, "archive_damaged", DOCUMENTS),
    ("another byte", _changed, "archive_damaged", "SHA-256"),
    ("files more", lambda: archive({**usual(), f"{ORIGINALS}{digest(b'x')}": b"x"}), "archive_damaged", "no line"),
    (
        "not in manifest",
        lambda: archive({**usual(), f"{ORIGINALS}{digest(b'x')}": b"x"}, manifest(usual(), 2)),
        "archive_damaged",
        "files that its manifest names",
    ),
    ("a wrong digest", lambda: _with(f"{ORIGINALS}{'0' * 64}", b"x"), "archive_damaged", "not named by its digest"),
    ("no original", lambda: archive(files([line("a", PUMP)], []), documents=1), "archive_damaged", "original"),
    ("an empty one", lambda: archive(files([line("a", b"")], [b""]), documents=1), "archive_damaged", "0 bytes"),
    ("a large one", lambda: archive(files([line("a", LONG)], [LONG]), documents=1), "archive_damaged", "1001 bytes"),
    ("fewer lines", lambda: _told(documents=3), "archive_damaged", "as many lines"),
    ("more lines", lambda: _told(documents=1), "archive_damaged", "as many lines"),
    ("names twice", lambda: _lines(line("a", PUMP), line("a ", PUMP)), "archive_damaged", "twice"),
    ("no name", lambda: _lines(line(" ", PUMP)), "bad_name", ""),
    ("an escape", lambda: _lines(line("a\x1b[2J", PUMP)), "bad_name", "control"),
    ("no tag", lambda: _lines(line("a", PUMP, tags=["a,b"])), "bad_tag", ""),
    ("NUL", lambda: _lines(line("a", PUMP, access={"groups": ["\x00"]})), "not_a_collection_archive", "groups"),
    ("a reading", lambda: _lines(line("a", PUMP, reading={"chunk_tokens": 9})), "not_a_collection_archive", "chunk"),
    ("a long line", lambda: _lines(line("a", PUMP, title="a" * (1 << 18))), "archive_hostile", "a line"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "code", "said"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_what_is_not_as_an_export_writes_it_is_refused_by_its_reason(
    raw: Callable[[], bytes], code: str, said: str
) -> None:
    found, detail = refused(raw())
    assert (found, said in detail) == (code, True), (found, detail)


def test_a_directory_that_would_fill_the_memory_is_not_read() -> None:
    class Hollow(io.RawIOBase):
        """Ends as a zip with a directory of a gigabyte, and would give it."""

        size = 1 << 30
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0)

        def __init__(self) -> None:
            self._at = 0
            self.asked = 0

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
            whole = self.size + len(self.end)
            self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: whole}[whence]
            return self._at

        def tell(self) -> int:
            return self._at

        def read(self, size: int = -1) -> bytes:
            self.asked = max(self.asked, size)
            start, self._at = self._at, self._at + size
            return self.end[start - self.size :][:size] if start >= self.size else bytes(min(size, 100))

    hollow = Hollow()
    with pytest.raises(ApplianceError) as found:
        CollectionArchive(hollow, LARGEST)  # type: ignore[arg-type] # as much of a file as is asked for
    assert found.value.code == "archive_hostile"
    assert hollow.asked <= 16 << 20
