"""Files that cannot be taken in: each fails with its own reason, and no other."""

import io
import zipfile

import pytest

from appliance.knowledge.parsing import errors
from appliance.knowledge.parsing.limits import ParseLimits
from appliance.knowledge.parsing.read import read
from tests.factories import files

LIMITS = ParseLimits(file_bytes=3_000_000, text=200_000, entries=50, pages=5)
WORD = files.word(files.paragraph("Hello there"))
PDF = files.pdf([("Hello there, reader of this page", 12, 50, 700)])
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)
DEEP = "<w:p>" * 400 + "</w:p>" * 400
DTD = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
ENTITIES = f'{DTD}<w:document xmlns:w="{files.W}"><w:body>&b;</w:body></w:document>'

CASES = [
    ("empty.md", b"", errors.EmptyFile),
    ("blank.txt", b" \r\n\t\n", errors.EmptyFile),
    ("nul.txt", bytes(2000), errors.EmptyFile),
    ("large.txt", b"a" * 3_000_001, errors.FileTooLarge),
    ("wordy.txt", b"a" * 200_001, errors.TooMuchText),
    ("wordy.md", b"a" * 200_001, errors.TooMuchText),
    ("wordy.html", b"<p>" + b"a" * 200_001, errors.TooMuchText),
    ("wordy.docx", files.word(files.paragraph("a" * 200_001)), errors.TooMuchText),
    ("long.pdf", files.pdf(*[[("page", 12, 50, 700)]] * 6), errors.TooMuchText),
    ("picture.png", PNG, errors.NeedsRecognition),
    ("noname", PNG, errors.NeedsRecognition),
    ("picture.gif", b"GIF89a", errors.UnknownType),
    ("picture.pdf", PNG, errors.Mislabelled),
    ("picture.txt", PNG, errors.Mislabelled),
    ("word.pdf", WORD, errors.Mislabelled),
    ("pdf.docx", PDF, errors.Mislabelled),
    ("pdf.md", PDF, errors.Mislabelled),
    ("text.pdf", b"Just some text", errors.Mislabelled),
    ("text.docx", b"Just some text", errors.Mislabelled),
    ("page.docx", b"<html><p>Hi", errors.Mislabelled),
    ("program.txt", b"\x7fELF\x02\x01\x01\x00" + bytes(30), errors.Mislabelled),
    ("noise.txt", bytes(range(256)) * 4, errors.Mislabelled),
    ("noise", bytes(range(256)) * 4, errors.UnknownType),
    ("letter.rtf", b"{\\rtf1\\ansi Hello}", errors.UnknownType),
    ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), errors.UnknownType),
    ("sheet.xlsb", files.archived({"xl/workbook.bin": "x"}), errors.UnknownType),
    ("sheet.docx", files.archived({"xl/workbook.xml": "<x/>"}), errors.Mislabelled),
    ("archive.docx", files.archived({"a.txt": "hello"}), errors.Mislabelled),
    ("archive.zip", files.archived({"a.gif": b"GIF89a"}), errors.UnknownType),
    ("locked.docx", files.protected_office_file(), errors.Encrypted),
    ("locked-zip.docx", files.encrypted_archive(), errors.Encrypted),
    ("locked.pdf", files.pdf([("secret", 12, 50, 700)], password="open"), errors.Encrypted),
    ("cut.docx", WORD[: len(WORD) // 2], errors.Truncated),
    ("cut.pdf", PDF[: len(PDF) * 2 // 3], errors.Truncated),
    ("cut.txt", "年假十五天".encode()[:-1], errors.Truncated),
    ("cut-16.txt", "hello".encode("utf-16")[:-1], errors.Truncated),
    ("broken.txt", b"\xff\xfe\x00\xd8a\x00b\x00", errors.Damaged),
    ("broken.pdf", b"%PDF-1.7\nnothing of a PDF\n%%EOF", errors.Damaged),
    ("broken.docx", files.archived({"word/document.xml": "<w:document><unclosed>"}), errors.Damaged),
    ("entities.docx", files.archived({"word/document.xml": ENTITIES}), errors.Damaged),
    ("deep.docx", files.word(DEEP), errors.Damaged),
    ("many.docx", files.archived({f"word/{n}.xml": "<x/>" for n in range(51)}), errors.ArchiveBomb),
    ("bomb.docx", files.bomb(20_000_000), errors.ArchiveBomb),
    ("lying.docx", files.lying_bomb(20_000_000), errors.Damaged),
    ("drawing.pdf", files.scan(2), errors.NoTextLayer),
    ("numbered-scan.pdf", files.pdf(*[[("1", 8, 50, 20)]] * 4), errors.NoTextLayer),
    ("silent.docx", files.word(files.paragraph("  ")), errors.NoText),
    ("silent.html", b"<html><script>alert(1)</script></html>", errors.NoText),
    ("comment.html", b"<!-- nothing -->", errors.NoText),
    ("silent.md", "\u0085\u0085".encode(), errors.NoText),
    ("reference.md", b"[a]: http://example.com\n", errors.NoText),
]


@pytest.mark.parametrize(("name", "content", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_file_that_cannot_be_read_fails_with_its_own_reason(
    name: str, content: bytes, expected: type[errors.FileRefused]
) -> None:
    with pytest.raises(errors.FileRefused) as caught:
        read(io.BytesIO(content), name, LIMITS)
    assert type(caught.value) is expected
    assert str(caught.value).startswith(expected.sentence)


def test_a_member_that_lies_about_its_checksum_is_damaged() -> None:
    content = bytearray(WORD)
    directory = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 4)
    content[directory + 16] ^= 0xFF
    with pytest.raises(errors.Damaged):
        read(io.BytesIO(bytes(content)), "a.docx", LIMITS)


def test_many_small_members_count_as_one_large_one() -> None:
    space = " " * 5_000_000
    parts = {"word/styles.xml": f"<a>{space}</a>", "word/document.xml": f"<a>{space}</a>"}
    with pytest.raises(errors.ArchiveBomb):
        read(io.BytesIO(files.archived(parts)), "a.docx", ParseLimits(unpacked=8_000_000))


def test_an_archive_of_an_unknown_method_is_damaged() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    content = bytearray(buffer.getvalue())
    content[content.find(b"PK\x01\x02") + 10] = 99
    content[content.find(b"PK\x03\x04") + 8] = 99
    with pytest.raises(errors.Damaged):
        read(io.BytesIO(bytes(content)), "a.docx", LIMITS)


def test_every_code_is_stable_unique_and_makes_the_same_refusal_again() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FileRefused)]
    leaves = [kind for kind in kinds if kind is not errors.FileRefused]
    assert len({kind.code for kind in leaves}) == len(leaves) == 15
    assert all(type(errors.refusal(kind.code, "why")) is kind for kind in leaves)
    assert type(errors.refusal("unheard of", "")) is errors.Unreadable
    assert str(errors.refusal("truncated", "why")) == "The file is cut off: its end is missing. Send it again. (why)"
