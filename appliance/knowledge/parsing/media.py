"""What a file is, told by its bytes. Its name only adds what bytes cannot tell (Markdown is text) and must not lie."""

import re
from pathlib import PurePosixPath
from typing import Final

from appliance.knowledge.parsing import formats
from appliance.knowledge.parsing.decoding import wide
from appliance.knowledge.parsing.errors import EmptyFile, Encrypted, Mislabelled, UnknownType
from appliance.knowledge.parsing.formats import called, promised

# How far into a file a PDF's header may stand (ISO 32000-1, annex H.3.4.1).
HEAD: Final = 1024

_SAMPLE: Final = 16 * HEAD

_TEXTS: Final = frozenset(
    [formats.MARKDOWN, formats.TEXT, formats.HTML, formats.CSV, formats.TSV, formats.JSON, formats.JSONL, formats.EML]
)
"""Kinds of text: only the name tells them apart."""

_READ: Final = formats.PICTURES | {formats.PDF, formats.MSG}
_OTHERS: Final = (
    (b"\x89PNG\r\n", formats.PNG),
    (b"\xff\xd8\xff", formats.JPEG),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", formats.TIFF),
    (b"MM\x00*", formats.TIFF),
    (b"{\\rtf", "a rich text file (RTF)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
    (b"OggS", "a sound"),
    (b"ID3", "a sound"),
    (b"%!PS", "a PostScript file"),
)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_OUTLOOK: Final = "__properties_version1.0".encode("utf-16-le")
_MAIL: Final = re.compile(
    rb"(?:(?:Return-Path|Received|Message-ID|MIME-Version|From|To|Cc|Date|Subject|Content-Type): .*\r?\n"
    rb"(?:[ \t].*\r?\n)*){3}"
)
_ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")
# Bytes that text in no 8-bit encoding has, but every binary format within its first kilobyte.
_BINARY: Final = frozenset(range(0x20)) - frozenset(b"\t\n\r\f\x1b\x08")
# Two-letter signatures are also how text may begin: only with a control character after them are they meant.
_SHORT: Final = 3


def media_type(content: bytes, name: str) -> str:
    """The media type of a file, or ZIP's, of which only the members tell what it is (``packages``).

    Raises EmptyFile, Encrypted (a protected Office file), Mislabelled (the name promises another format), UnknownType.
    """
    if not content.strip(b"\x00\t\n\r\f \xef\xbb\xbf"):
        raise EmptyFile
    told, promise = _told(content, promised(name)), promised(name)
    if told == formats.ZIP:
        if promise is not None and (promise in _TEXTS or promise in _READ):
            raise Mislabelled(f"{suffix(name)} by name, but it is a ZIP archive or Office file")
        return formats.ZIP
    if told is None:  # text: the name says which kind
        if promise is not None and promise not in _TEXTS:
            raise Mislabelled(f"{suffix(name)} by name, but it holds plain text")
        return promise or _kind_of_text(content)
    if promise is not None and promise != told:
        raise Mislabelled(f"{suffix(name)} by name, but it is {called(told)}")
    if told not in _READ:
        raise UnknownType(told)
    return told


def suffix(name: str) -> str:
    """The end of a name that tells the format."""
    return PurePosixPath(name).suffix


def _told(content: bytes, promise: str | None) -> str | None:
    """A media type, a description of what we do not read, or None for text."""
    head = content[:HEAD]
    if head.startswith(_ZIP):
        return formats.ZIP
    if head.startswith(_OLE):
        return _compound(content, promise)
    if b"%PDF-" in head:  # behind those two: their first kilobyte may show a PDF that lies within
        return formats.PDF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return formats.WEBP
    binary = not head.startswith(_WIDE_MARKS) and any(byte in _BINARY for byte in head) and wide(content) is None
    for mark, what in _OTHERS:
        if head.startswith(mark) and (binary or len(mark) >= _SHORT):
            return what
    return "a binary file" if binary else None


def _compound(content: bytes, promise: str | None) -> str:
    if _ENCRYPTED_PACKAGE in content:
        raise Encrypted
    if _OUTLOOK in content or promise == formats.MSG:
        return formats.MSG
    return "an old Office file (.doc, .xls, .ppt): save it as .docx, .xlsx or .pptx"


def _kind_of_text(content: bytes) -> str:
    """Of text without a telling name."""
    head = content[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return formats.HTML
    return formats.EML if _MAIL.match(content[:_SAMPLE]) else formats.TEXT
