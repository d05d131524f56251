"""The formats that are read: the one list that uploads, command line, page and reference speak from."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

_OOXML: Final = "application/vnd.openxmlformats-officedocument."

MARKDOWN: Final = "text/markdown"
TEXT: Final = "text/plain"
HTML: Final = "text/html"
PDF: Final = "application/pdf"
XLSX: Final = _OOXML + "spreadsheetml.sheet"
PPTX: Final = _OOXML + "presentationml.presentation"
ODT: Final = "application/vnd.oasis.opendocument.text"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
ODP: Final = "application/vnd.oasis.opendocument.presentation"
DOCX: Final = _OOXML + "wordprocessingml.document"
CSV: Final = "text/csv"
TSV: Final = "text/tab-separated-values"
JSON: Final = "application/json"
JSONL: Final = "application/jsonl"
EML: Final = "message/rfc822"
MSG: Final = "application/vnd.ms-outlook"
EPUB: Final = "application/epub+zip"
ZIP: Final = "application/zip"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
TIFF: Final = "image/tiff"
WEBP: Final = "image/webp"
PICTURES: Final = frozenset([PNG, JPEG, TIFF, WEBP])


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file. ``kept``: what of it a reader of a citation finds again. Suffixes are in lower case."""

    name: str
    media_type: str
    suffixes: tuple[str, ...]
    kept: str


FORMATS: Final = (
    Format("Markdown", MARKDOWN, (".md", ".markdown"), "headings, lists, tables, code; the file's own lines"),
    Format("text", TEXT, (".txt", ".text", ".log"), "paragraphs; the file's own lines; any common encoding"),
    Format("HTML", HTML, (".html", ".htm", ".xhtml"), "headings, lists, tables; menus and hidden parts are left out"),
    Format("PDF", PDF, (".pdf",), "pages, headings, paragraphs, tables; repeated page headers and footers go; scans"),
    Format("Word (DOCX)", DOCX, (".docx", ".docm", ".dotx"), "headings, lists, tables, footnotes"),
    Format(
        "Excel (XLSX)",
        XLSX,
        (".xlsx", ".xlsm", ".xltx"),
        "sheet names, rows under their header, dates and per cents; hidden sheets are left out",
    ),
    Format(
        "PowerPoint (PPTX)",
        PPTX,
        (".pptx", ".pptm", ".ppsx", ".potx"),
        "slides as pages, their titles, lists, tables, speaker's notes",
    ),
    Format("ODT", ODT, (".odt", ".ott"), "headings, lists, tables, notes"),
    Format("ODS", ODS, (".ods", ".ots"), "sheet names, rows under their header, values as they are shown"),
    Format("ODP", ODP, (".odp", ".otp"), "slides as pages, their titles, lists, tables, speaker's notes"),
    Format("CSV", CSV, (".csv",), "rows under their header; comma, semicolon, tab or bar; any common encoding"),
    Format("TSV", TSV, (".tsv", ".tab"), "rows under their header"),
    Format("JSON", JSON, (".json",), "one passage a record, each value with its path"),
    Format("JSON lines", JSONL, (".jsonl", ".ndjson"), "one passage a line"),
    Format("mail (EML)", EML, (".eml",), "subject, people, date, letter, attachments of every kind that is read"),
    Format("Outlook mail (MSG)", MSG, (".msg",), "the same"),
    Format("EPUB", EPUB, (".epub",), "chapters in their order, headings, lists, tables"),
    Format("PNG", PNG, (".png",), "recognised text: paragraphs, tables; Chinese and English"),
    Format("JPEG", JPEG, (".jpg", ".jpeg"), "the same"),
    Format("TIFF", TIFF, (".tif", ".tiff"), "the same, its pictures as pages"),
    Format("WebP", WEBP, (".webp",), "the same"),
    Format("ZIP", ZIP, (".zip",), "every file in it that is read, under its path; pages as each file has them"),
)

_BY_SUFFIX: Final = {suffix: one for one in FORMATS for suffix in one.suffixes}
_BY_TYPE: Final = {one.media_type: one for one in FORMATS}
_NAMES: Final = [one.name for one in FORMATS]
SENTENCE: Final = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}"
"""All of them, for people."""


def promised(name: str) -> str | None:
    """The media type that a file's name promises; None where it promises nothing that we know."""
    found = _BY_SUFFIX.get(PurePosixPath(name).suffix.lower())
    return found.media_type if found else None


def called(media_type: str) -> str:
    """What people call it."""
    found = _BY_TYPE.get(media_type)
    return found.name if found else media_type
